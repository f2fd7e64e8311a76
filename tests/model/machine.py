# SPDX-License-Identifier: GPL-2.0-only
"""A machine that lives through a history of operations, and what is true of it at each quote."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from model.entries import LITTLE, Entry, Position, Wire
from model.kernel import Boot, Kernel
from model.tpm import Bank, Tpm


@dataclass(frozen=True)
class Setup:
    banks: tuple[Bank, ...]
    boot: Boot = Boot()
    ima_pcr: int = 10
    counter: int = 20
    resets: int = 3
    restarts: int = 1
    counts_once: bool = False
    # Extends of the IMA PCR before IMA
    earlier: int = 0
    # The byte order of the machine
    order: str = LITTLE


@dataclass(frozen=True)
class Quote:
    """PCR values, and the list as it was read some time after them."""
    pcrs: str
    # Those of the IMA PCR
    values: tuple[tuple[Bank, bytes], ...]
    counter: int
    # Of each bank that holds the IMA PCR, by its alg
    positions: dict[str, Position]
    # What the IMA PCR was extended with by then, in each epoch: keys of entries
    log: tuple[tuple[bytes, ...], ...]
    parts: tuple[tuple[Entry, ...], ...]
    # All entries that were made until the list was read
    master: tuple[Entry, ...]
    ima_pcr: int
    # Who copied each kernel's list all the time has this of each kernel
    copies: tuple[tuple[Entry, ...], ...]
    # Is a part of it a copy that user space kept, since a kernel got no list? Then its parts are to be given as such
    has_copy: bool = False
    # Are there values of other PCRs that entries were extended into?
    others: bool = False
    # How often the TPM was reset and restarted
    starts: tuple[int, int] = (0, 0)

    @property
    def list(self) -> list[Entry]:
        return [entry for part in self.parts for entry in part]


class Operation(Protocol):
    def apply(self, machine: "Machine") -> None:
        ...


@dataclass
class Machine:
    setup: Setup
    tpm: Tpm = field(init=False)
    kernel: Kernel = field(init=False)
    # All entries that were ever made since the machine was booted
    master: list[Entry] = field(default_factory=list)
    # What the IMA PCR was extended with, since each of its resets
    log: list[list[bytes]] = field(default_factory=lambda: [[]])
    # What user space had the kernels delete, or kept when nothing was carried
    kept: list[tuple[Entry, ...]] = field(default_factory=list)
    saved: list[tuple[Entry, ...]] | None = None
    has_copy: bool = False
    # The lists of the kernels before, without what came after the last look of who copied them
    copies: list[tuple[Entry, ...]] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    kernels: int = 0
    # How often firmware has started the TPM
    starts: int = 0
    # By how much others than IMA have moved the counter
    strayed: int = 0

    def __post_init__(self) -> None:
        setup = self.setup
        self.tpm = Tpm(setup.banks, setup.ima_pcr, setup.counter, setup.resets, setup.restarts, setup.counts_once)
        for number in range(setup.earlier):
            self.foreign(b"boot loader %d" % number)
        self.start(setup.boot, [])

    @property
    def ima_pcr(self) -> int:
        return self.setup.ima_pcr

    @property
    def epoch(self) -> int:
        return len(self.log) - 1

    @property
    def position(self) -> Position:
        return Position(self.epoch, len(self.log[-1]))

    def ima_values(self) -> dict[str, bytes]:
        return {bank.alg: self.tpm.value(bank, self.ima_pcr) for bank in self.tpm.holding(self.ima_pcr)}

    def extended(self) -> tuple[tuple[bytes, ...], ...]:
        return tuple(tuple(keys) for keys in self.log)

    def execute(self, entry: Entry) -> None:
        """The TPM executes the extend of an entry."""
        entry.executed = True
        if entry.wire.pcr == self.ima_pcr:
            entry.position = self.position
        self.extend(entry.wire)

    def extend(self, wire: Wire) -> None:
        if wire.pcr == self.ima_pcr:
            self.log[-1].append(wire.key)
        self.tpm.extend(wire.pcr, {bank.alg: wire.extended(bank.alg, bank.size, bank.known)
                                   for bank in self.tpm.banks})

    def foreign(self, content: bytes, pcr: int | None = None) -> None:
        """Someone other than IMA extends a PCR, the IMA PCR by default."""
        self.extend(Wire.of(self.ima_pcr if pcr is None else pcr, "foreign", (content,)))

    def start(self, boot: Boot, carried: list[Entry]) -> None:
        self.kernels += 1
        self.kernel = Kernel(self, self.kernels, boot, carried)
        self.kernel.start()

    def reset(self) -> None:
        self.tpm.restart()
        self.starts += 1
        self.log.append([])

    def quote(self, values: dict[str, bytes], positions: dict[str, Position], counter: int,
              log: tuple[tuple[bytes, ...], ...], others: bool = False) -> None:
        """Add a quote of values that were read before, of PCRs of @others too, and the list as it is now."""
        shown = sorted({self.ima_pcr} | {entry.wire.pcr for entry in self.master if others})
        of = {bank.alg: {pcr: values[bank.alg] if pcr == self.ima_pcr and bank.alg in values else
                         self.tpm.value(bank, pcr) for pcr in shown} for bank in self.tpm.banks}
        own = tuple((bank, values[bank.alg]) for bank in self.tpm.holding(self.ima_pcr))
        self.quotes.append(Quote(self.tpm.pcrread(shown, of), own, counter, positions, log,
                                 (*self.kept, tuple(self.kernel.memory)), tuple(self.master), self.ima_pcr,
                                 (*self.copies, tuple(self.kernel.everything)), self.has_copy, others,
                                 (self.tpm.resets, self.tpm.restarts)))


def run(setup: Setup, operations: Iterable[Operation]) -> Machine:
    machine = Machine(setup)
    for operation in operations:
        operation.apply(machine)
    return machine
