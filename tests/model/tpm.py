# SPDX-License-Identifier: GPL-2.0-only
"""A TPM 2.0, as far as PCRs go."""

import hashlib
from dataclasses import dataclass

# PCRs whose updates are not counted, in a PC client
NEVER_COUNTED = frozenset((16, 21, 22, 23))
# What the firmware's start adds to the counter: after suspend to RAM, and after a restart
ON_RESUME, ON_RESTART = 4, 20


@dataclass(frozen=True)
class Bank:
    """
    @alg is hashlib's name, @kernel_name the one in a record, @tool_name that of tpm2_pcrread. Of a bank whose hash it
    does not know, the kernel extends SHA-1 with zeroes behind it.
    """
    alg: str
    kernel_name: str
    tool_name: str
    known: bool = True
    # Does it hold the PCR that IMA extends?
    holds: bool = True

    @property
    def size(self) -> int:
        return hashlib.new(self.alg).digest_size


class Tpm:
    def __init__(self, banks: tuple[Bank, ...], ima_pcr: int, counter: int, resets: int, restarts: int,
                 counts_once: bool):
        self.banks = banks
        self.ima_pcr = ima_pcr
        self.counter = counter
        self.resets, self.restarts = resets, restarts
        # Some TPMs may count an extend once, not once for each bank
        self.counts_once = counts_once
        self.values: dict[tuple[str, int], bytes] = {}

    def holds(self, bank: Bank, pcr: int) -> bool:
        return bank.holds or pcr != self.ima_pcr

    def holding(self, pcr: int) -> list[Bank]:
        return [bank for bank in self.banks if self.holds(bank, pcr)]

    def expected(self, pcr: int) -> int:
        """By how much an extend of all banks moves the counter, by the specification."""
        return 0 if pcr in NEVER_COUNTED else len(self.holding(pcr))

    def value(self, bank: Bank, pcr: int) -> bytes:
        return self.values.get((bank.alg, pcr), bytes(bank.size))

    def move(self, by: int) -> None:
        self.counter = (self.counter + by) % 2**32

    def extend(self, pcr: int, digests: dict[str, bytes]) -> None:
        for bank in self.holding(pcr):
            if bank.alg in digests:
                old = self.value(bank, pcr)
                self.values[bank.alg, pcr] = hashlib.new(bank.alg, old + digests[bank.alg]).digest()
        moved = self.expected(pcr)
        self.move(min(moved, 1) if self.counts_once else moved)

    def restart(self) -> None:
        """Startup(CLEAR)."""
        self.values.clear()
        self.resets, self.restarts = self.resets + 1, 0
        self.move(ON_RESTART)

    def resume(self) -> None:
        """Startup(STATE)."""
        self.restarts += 1
        self.move(ON_RESUME)

    def pcrread(self, pcrs: list[int], of: dict[str, dict[int, bytes]] | None = None) -> str:
        """As tpm2_pcrread prints it."""
        lines = []
        for bank in self.banks:
            lines.append(f"  {bank.tool_name}:")
            for pcr in pcrs:
                value = of[bank.alg].get(pcr) if of else self.value(bank, pcr)
                if self.holds(bank, pcr) and value is not None:
                    lines.append(f"    {pcr:<2}: 0x{value.hex().upper()}")
        return "\n".join(lines) + "\n"
