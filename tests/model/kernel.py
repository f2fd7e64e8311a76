# SPDX-License-Identifier: GPL-2.0-only
"""A kernel with IMA: its list, its accounts and its records, version 1."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model import entries
from model.entries import Entry, Facts, Wire

if TYPE_CHECKING:
    from model.machine import Machine

def formatted(pairs: list[tuple[str, object]]) -> bytes:
    return "".join(f"{key}={value};" for key, value in pairs).encode()


# How an extend can go wrong
REFUSED, LOST_UNDONE, LOST_DONE, FAKED = "refused", "answer lost, not executed", "answer lost, executed", "faked"


@dataclass(frozen=True)
class Boot:
    """How a kernel is booted."""
    # When the rule for records is there: at "boot", after user space loads it ("later"), "never"
    rule: str = "boot"
    late: bool = False
    # A stock kernel makes no records
    series: bool = True
    # Is there a TPM driver?
    tpm: bool = True
    # TPM commands of the boot that fail: "before", "aggregate", "after", "clock", "read", "extend"
    fails: frozenset[str] = frozenset()
    # Mainline's own kexec events
    events: bool = False
    template: str = "ima-buf"
    file_template: str = "ima-ng"
    # Another PCR for the records
    record_pcr: int | None = None
    hmac: bool = False


@dataclass
class Accounts:
    extends: int = 0
    failed: int = 0
    dropped: int = 0
    unread: int = 0
    updates: int = 0
    uncertain: int = 0
    trimmed: int = 0
    # Known to the model only
    others: int = 0
    behind: int = 0
    done_in_doubt: int = 0


@dataclass
class Kernel:
    machine: "Machine"
    number: int
    boot: Boot
    carried: list[Entry]
    # What is in its memory
    memory: list[Entry] = field(default_factory=list)
    everything: list[Entry] = field(default_factory=list)
    accounts: Accounts = field(default_factory=Accounts)
    step: int | None = None
    started_at: entries.Position | None = None
    started_values: dict[str, bytes] | None = None
    rule: bool = False
    # The TPM's driver was unbound
    gone: bool = False
    # How many entries the segment has room for, once a kernel is loaded
    capacity: int | None = None

    def __post_init__(self) -> None:
        self.memory, self.everything = list(self.carried), list(self.carried)

    @property
    def count(self) -> int:
        return len(self.everything)

    @property
    def has_tpm(self) -> bool:
        return self.boot.tpm

    def start(self) -> None:
        machine, fails = self.machine, self.boot.fails
        tpm = machine.tpm
        first = None
        if self.has_tpm and "before" not in fails:
            first = tpm.counter
            if tpm.holding(machine.ima_pcr):
                self.started_at, self.started_values = machine.position, machine.ima_values()
        name = b"boot_aggregate_late" if self.boot.late else b"boot_aggregate"
        self.append(entries.of_file(machine.ima_pcr, name, b"firmware"), REFUSED if "aggregate" in fails else None)
        if first is not None and "aggregate" not in fails and "after" not in fails:
            self.step = (tpm.counter - first) % 2**32
        if self.boot.rule == "boot":
            self.rule = True
            self.record("boot", "EIO" if "read" in fails else None, REFUSED if "extend" in fails else None,
                        clock="clock" not in fails)
            self.append(entries.of_buffer(machine.ima_pcr, b"kernel_version", b"7.3.4"))

    def append(self, wire: Wire, fault: str | None = None, facts: Facts | None = None) -> Entry:
        machine = self.machine
        wire = wire.changed(order=machine.setup.order)
        entry = Entry(wire, self.number, len(machine.master), facts=facts, made_in_epoch=machine.epoch)
        machine.master.append(entry)
        self.memory.append(entry)
        self.everything.append(entry)
        if self.has_tpm:
            self.extend(entry, REFUSED if self.gone else fault)
        return entry

    def extend(self, entry: Entry, fault: str | None) -> None:
        machine, accounts = self.machine, self.accounts
        expected = machine.tpm.expected(entry.wire.pcr)
        if fault == FAKED and self.boot.hmac:
            # Nobody can fake an answer in an HMAC session
            fault = LOST_UNDONE
        if fault in (None, LOST_DONE):
            machine.execute(entry)
        if fault in (None, FAKED):
            accounts.extends += 1
            accounts.updates += expected
        else:
            accounts.failed += 1
            if fault != REFUSED:
                accounts.uncertain += expected
            if fault == LOST_DONE:
                accounts.done_in_doubt += expected

    def measure(self, name: bytes, content: bytes, kind: str, fault: str | None, pcr: int | None = None) -> None:
        pcr = self.machine.ima_pcr if pcr is None else pcr
        if kind == "violation":
            wire = entries.of_violation(pcr, name, self.boot.file_template)
        elif kind == "buffer":
            wire = entries.of_buffer(pcr, name, content)
        elif kind == "unknown":
            wire = Wire.of(pcr, "ima-cgpath", (entries.file_digest(content), name + b"\0", b"/system.slice\0"))
        elif kind == "signed":
            wire = entries.of_file(pcr, name, content, "ima-sig", b"\3\2\4" + content[:20])
        else:
            wire = entries.of_file(pcr, name, content, self.boot.file_template)
        self.append(wire, fault)

    def record(self, event: str, error: str | None = None, fault: str | None = None, clock: bool = True,
               altered: tuple[str, int] | None = None, spoiled: str | None = None) -> Entry | None:
        """
        Make a record, if a rule asks for it. @altered: the TPM's answer is changed on its way. @spoiled: the text is
        "cut" off or has "odd" bytes, so that it says nothing.
        """
        if not self.rule or not self.boot.series:
            return None
        machine, accounts, tpm = self.machine, self.accounts, self.machine.tpm
        if not self.has_tpm:
            error = "ENODEV"
        elif self.gone:
            error = "EIO"
        elif altered and self.boot.hmac:
            error = "EIO"
        banks = tpm.holding(machine.ima_pcr)
        facts = Facts(event, self.number, machine.position, before=tuple(self.everything),
                      carried=len(self.carried), has_account=self.has_tpm, failed=accounts.failed, dropped=accounts.dropped,
                      trimmed=accounts.trimmed, true_others=accounts.others, true_behind=accounts.behind,
                      in_doubt=accounts.uncertain, done_in_doubt=accounts.done_in_doubt, starts=machine.starts,
                      strayed=machine.strayed,
                      altered=altered is not None and error is None, judged=self.step is not None and not machine.setup.counts_once)
        pairs: list[tuple[str, object]] = [("version", 1), ("event", event)]
        counter, values = tpm.counter, machine.ima_values()
        if error is None and altered and altered[0] == "counter":
            counter = (counter + altered[1]) % 2**32
        if error is None and altered and altered[0] == "values":
            values = {alg: bytes([value[0] ^ 1]) + value[1:] for alg, value in values.items()}
        if error is None:
            facts.counter = counter
            pairs.append(("pcrUpdateCounter", counter))
        else:
            pairs.append(("error", error))
        if self.has_tpm:
            pairs += [("updates", accounts.updates), ("uncertain", accounts.uncertain), ("banks", len(banks))]
            if self.step is not None:
                pairs.append(("step", self.step))
            if event in ("boot", "resume") and clock and not self.gone:
                facts.resets = tpm.resets
                pairs += [("resets", tpm.resets), ("restarts", tpm.restarts)]
        pairs += [("entries", self.count), ("carried", len(self.carried)), ("trimmed", accounts.trimmed),
                  ("extends", accounts.extends), ("failed", accounts.failed), ("dropped", accounts.dropped),
                  ("unread", accounts.unread), ("protected", int(self.boot.hmac))]
        if event == "boot" and self.started_values is not None:
            facts.started_at = self.started_at
            pairs.append(("before", self.shown_values(self.started_values)))
        if error is None and banks:
            facts.has_values = True
            pairs.append(("pcr", self.shown_values(values)))
        facts.text = formatted(pairs)
        if spoiled:
            half = len(facts.text) // 2
            text = facts.text[:half].rstrip(b";") if spoiled == "cut" else b"version=1;\xff" + facts.text[half:]
        pcr = machine.ima_pcr if self.boot.record_pcr is None else self.boot.record_pcr
        # Not in the rule's template, if that cannot hold the text
        template = self.boot.template if len(entries.TEMPLATES[self.boot.template]) == 3 else "ima-buf"
        wire = entries.of_buffer(pcr, b"pcr_counter", text if spoiled else facts.text, template)
        return self.append(wire, fault, None if spoiled else facts)

    def shown_values(self, values: dict[str, bytes]) -> str:
        machine = self.machine
        return f"{machine.ima_pcr}:" + ",".join(f"{bank.kernel_name}:{values[bank.alg].hex()}"
                                                for bank in machine.tpm.holding(machine.ima_pcr))

    def kexec_event(self, name: str) -> None:
        """Mainline's own, which a rule for critical data asks for."""
        if self.boot.events and self.rule:
            size = sum(len(entry.wire.binary()) for entry in self.memory)
            text = (f"kexec_segment_size=8192;ima_binary_runtime_size={size};"
                    f"ima_runtime_measurements_count={self.count};")
            self.append(entries.of_buffer(self.machine.ima_pcr, name.encode(), text.encode()))

    def load(self, room: int, error: str | None = None) -> None:
        self.record("kexec_load", error)
        self.kexec_event("kexec_load")
        self.capacity = len(self.memory) + room

    def execute(self, error: str | None = None, fault: str | None = None) -> list[Entry]:
        """Suspend measuring; return the list that arrives in the next kernel."""
        self.kexec_event("kexec_execute")
        last = self.record("kexec_execute", error, fault)
        assert self.capacity is not None
        before = self.memory[:-1] if last else self.memory
        return before[:self.capacity] + ([last] if last else [])
