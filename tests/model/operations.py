# SPDX-License-Identifier: GPL-2.0-only
"""What can happen to a machine. An operation that is not possible at that moment does nothing."""

from dataclasses import dataclass

from model.entries import Position
from model.kernel import Boot
from model.machine import Machine


@dataclass(frozen=True)
class Measure:
    count: int = 1
    kind: str = "file"
    name: bytes = b""
    fault: str | None = None
    pcr: int | None = None

    def apply(self, machine: Machine) -> None:
        for _ in range(self.count):
            number = len(machine.master)
            machine.kernel.measure(self.name or b"/bin/f%d" % number, b"content %d" % number, self.kind, self.fault,
                                   self.pcr)


@dataclass(frozen=True)
class Drop:
    count: int = 1

    def apply(self, machine: Machine) -> None:
        machine.kernel.accounts.dropped += self.count


@dataclass(frozen=True)
class Unread:
    count: int = 1

    def apply(self, machine: Machine) -> None:
        machine.kernel.accounts.unread += self.count


@dataclass(frozen=True)
class Others:
    """Somebody updates a PCR through the driver; @lost: the answer is lost, and it was executed or not."""
    pcr: int = 7
    lost: str | None = None

    def apply(self, machine: Machine) -> None:
        expected, accounts = machine.tpm.expected(self.pcr), machine.kernel.accounts
        if not machine.kernel.has_tpm or machine.kernel.gone or self.pcr == machine.ima_pcr:
            return
        if self.lost != "undone":
            machine.foreign(b"others %d" % machine.tpm.counter, self.pcr)
            machine.strayed += expected
        if self.lost:
            accounts.uncertain += expected
            accounts.done_in_doubt += expected if self.lost == "done" else 0
        else:
            accounts.updates += expected
            accounts.others += expected


@dataclass(frozen=True)
class Behind:
    """Somebody updates a PCR behind the kernel's back."""
    pcr: int = 7

    def apply(self, machine: Machine) -> None:
        if self.pcr != machine.ima_pcr:
            machine.foreign(b"behind %d" % machine.tpm.counter, self.pcr)
            machine.kernel.accounts.behind += machine.tpm.expected(self.pcr)
            machine.strayed += machine.tpm.expected(self.pcr)


@dataclass(frozen=True)
class Request:
    error: str | None = None
    fault: str | None = None
    altered: tuple[str, int] | None = None
    spoiled: str | None = None

    def apply(self, machine: Machine) -> None:
        machine.kernel.record("request", self.error, self.fault, altered=self.altered, spoiled=self.spoiled)


@dataclass(frozen=True)
class LoadPolicy:
    error: str | None = None

    def apply(self, machine: Machine) -> None:
        if machine.kernel.boot.rule != "never":
            machine.kernel.rule = True
            machine.kernel.record("policy", self.error)


@dataclass(frozen=True)
class Unbind:
    """The TPM's driver goes, until the next kernel."""

    def apply(self, machine: Machine) -> None:
        if machine.kernel.has_tpm:
            machine.kernel.gone = True


@dataclass(frozen=True)
class Load:
    room: int = 1000
    error: str | None = None

    def apply(self, machine: Machine) -> None:
        machine.kernel.load(self.room, self.error)


@dataclass(frozen=True)
class Kexec:
    """
    Execute the loaded kernel, or load one first. @how: "file"; "syscall", which carries nothing; "restore", where the
    new kernel restores only a part of the list.
    """
    boot: Boot
    how: str = "file"
    room: int = 1000
    error: str | None = None
    fault: str | None = None

    def apply(self, machine: Machine) -> None:
        kernel = machine.kernel
        if kernel.capacity is None:
            kernel.load(self.room)
        machine.copies.append(tuple(kernel.everything))
        carried = kernel.execute(self.error, self.fault)
        if self.how == "restore":
            carried = carried[:len(carried) * 2 // 3]
        elif self.how == "syscall":
            carried = []
            machine.kept = machine.saved if machine.saved is not None else []
            machine.has_copy = bool(machine.kept)
        machine.start(self.boot, carried)
        machine.saved = None


@dataclass(frozen=True)
class Save:
    """User space keeps a copy of the list, for the case that the next kernel does not get it."""

    def apply(self, machine: Machine) -> None:
        machine.saved = [*machine.kept, tuple(machine.kernel.memory)]


@dataclass(frozen=True)
class Delete:
    """User space has the kernel delete the first entries of its list; @keep: it keeps them as a part."""
    count: int = 1
    keep: bool = True

    def apply(self, machine: Machine) -> None:
        kernel = machine.kernel
        count = min(self.count, len(kernel.memory))
        if not count:
            return
        gone, kernel.memory = kernel.memory[:count], kernel.memory[count:]
        kernel.accounts.trimmed += count
        for entry in gone:
            entry.deleted = True
        if kernel.capacity is not None:
            kernel.capacity = max(kernel.capacity - count, 0)
        if self.keep:
            machine.kept.append(tuple(gone))


@dataclass(frozen=True)
class Suspend:
    """@how: "idle", where the TPM notices nothing; "memory"; "disk", where it is reset and @earlier extends came in."""
    how: str = "memory"
    earlier: int = 1
    measured: int = 0
    error: str | None = None
    clock: bool = True

    def apply(self, machine: Machine) -> None:
        if not machine.kernel.has_tpm:
            return
        if self.how == "memory":
            machine.tpm.resume()
            machine.starts += 1
        elif self.how == "disk":
            machine.reset()
            for number in range(self.earlier):
                machine.foreign(b"kernel that resumes %d" % number)
        Measure(self.measured).apply(machine)
        machine.kernel.record("resume", self.error, clock=self.clock)


@dataclass(frozen=True)
class TakeQuote:
    """
    Read the PCRs, and then the list, while @tail entries are added. @skew: each bank is read after one entry more
    than the one before it.
    """
    tail: int = 0
    skew: bool = False
    record: bool = False
    # With the values of other PCRs that entries were extended into
    others: bool = False

    def apply(self, machine: Machine) -> None:
        values: dict[str, bytes] = {}
        positions: dict[str, Position] = {}
        for bank in machine.tpm.holding(machine.ima_pcr):
            if self.skew and values:
                Measure().apply(machine)
            values[bank.alg], positions[bank.alg] = machine.tpm.value(bank, machine.ima_pcr), machine.position
        log, counter = machine.extended(), machine.tpm.counter
        Measure(self.tail).apply(machine)
        if self.record:
            machine.kernel.record("request")
        machine.quote(values, positions, counter, log, self.others)
