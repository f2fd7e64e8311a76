# SPDX-License-Identifier: GPL-2.0-only
"""
Attackers. Whoever carries a list can change it, and not the PCR values. Root can extend what he likes from some moment
on, and show a list of his own.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from model import entries
from model.entries import Wire, file_digest
from model.machine import Machine, Quote
from model.truth import Shown

Pairs = dict[str, str]


NO_RECORD = (b"version=1;event=request;pcrUpdateCounter=20;updates=0;uncertain=0;banks=2;step=2;entries=0;carried=0;"
             b"trimmed=0;extends=0;failed=0;dropped=0;unread=0;protected=0;")


def pairs_of(text: bytes) -> Pairs:
    return dict(part.split("=", 1) for part in text.decode().split(";") if part)


def text_of(pairs: Pairs) -> bytes:
    return "".join(f"{key}={value};" for key, value in pairs.items()).encode()


def _number(pairs: Pairs, key: str, by: int) -> None:
    if key in pairs:
        pairs[key] = str(max(int(pairs[key]) + by, 0))


def _without(*keys: str) -> Callable[[Pairs, int], None]:
    def change(pairs: Pairs, _: int) -> None:
        for key in keys:
            pairs.pop(key, None)
    return change


def _plus(key: str) -> Callable[[Pairs, int], None]:
    return lambda pairs, by: _number(pairs, key, by)


def _zero_accounts(pairs: Pairs, _: int) -> None:
    for key in ("updates", "uncertain", "extends", "failed", "dropped", "unread", "trimmed"):
        if key in pairs:
            pairs[key] = "0"


def _resumed(pairs: Pairs, by: int) -> None:
    pairs["event"] = "resume"
    pairs["resets"], pairs["restarts"] = str(3 + by), "0"


def _restarted(pairs: Pairs, by: int) -> None:
    pairs["event"] = "boot"
    pairs["carried"] = pairs.get("entries", "0")
    _zero_accounts(pairs, by)
    pairs["entries"] = str(int(pairs["carried"]) + 1)
    pairs["extends"] = "1"


def _failed(pairs: Pairs, _: int) -> None:
    if "pcrUpdateCounter" in pairs:
        old = dict(pairs)
        pairs.clear()
        pairs.update({("error" if key == "pcrUpdateCounter" else key): ("EIO" if key == "pcrUpdateCounter" else value)
                      for key, value in old.items() if key != "pcr"})


def _set(key: str, value: str) -> Callable[[Pairs, int], None]:
    def change(pairs: Pairs, _: int) -> None:
        pairs[key] = value
    return change


def _later(pairs: Pairs, by: int) -> None:
    """As if that many entries more had been made: they are lost, then."""
    banks = int(pairs.get("banks", 0))
    for key, more in (("entries", by), ("extends", by), ("updates", by * banks), ("pcrUpdateCounter", by * banks)):
        _number(pairs, key, more)


def _only_version(pairs: Pairs, _: int) -> None:
    pairs.clear()
    pairs.update({"version": "0", "event": "request", "error": "EIO"})


# What can be done to the text of a record, by a small number
TWISTS: dict[str, Callable[[Pairs, int], None]] = {
    "as it is": lambda pairs, by: None,
    "without version": _without("version"), "version 0, bare": _only_version, "version 2": _set("version", "2"),
    "version 0": _set("version", "0"), "event unknown": _set("event", "later_event"), "event resume": _resumed,
    "event boot": _restarted, "event kexec_execute": _set("event", "kexec_execute"),
    "with error": _failed, "without account": _without("updates", "uncertain"), "without banks": _without("banks"),
    "without values": _without("pcr"), "without step": _without("step"), "without dropped": _without("dropped"),
    "without failed": _without("failed"), "without entries": _without("entries"),
    "without counts": _without("entries", "carried", "trimmed", "extends", "failed", "dropped", "unread"),
    "lost": _later, "more entries": _plus("entries"), "more failed": _plus("failed"), "more trimmed": _plus("trimmed"),
    "more dropped": _plus("dropped"), "more carried": _plus("carried"), "more extends": _plus("extends"),
    "more updates": _plus("updates"), "more uncertain": _plus("uncertain"), "counter": _plus("pcrUpdateCounter"),
    "no accounts": _zero_accounts, "dropped 0": _set("dropped", "0"), "failed 0": _set("failed", "0"),
    "step 1": _set("step", "1"), "banks 0": _set("banks", "0"), "unknown key": _set("zzz", "1"),
}


def _dropped(pairs: Pairs, by: int) -> None:
    _number(pairs, "dropped", by)


def _failing(pairs: Pairs, by: int) -> None:
    """As if the extends of so many of the entries had failed."""
    banks = int(pairs.get("banks", 0))
    _number(pairs, "failed", by)
    for key, fewer in (("extends", by), ("updates", by * banks), ("pcrUpdateCounter", by * banks)):
        _number(pairs, key, -fewer)


def _shared(pairs: Pairs, by: int) -> None:
    """As if others had updated PCRs."""
    for key in ("updates", "pcrUpdateCounter"):
        _number(pairs, key, by)


def _lost_instead(pairs: Pairs, by: int) -> None:
    """As if updates by others had been entries, which are lost."""
    _number(pairs, "entries", by)
    _number(pairs, "extends", by)


def _both(*changes: Callable[[Pairs, int], None]) -> Callable[[Pairs, int], None]:
    def change(pairs: Pairs, by: int) -> None:
        for one in changes:
            one(pairs, by)
    return change


# What the records of a story can claim: none of these contradicts a key of the same record
CLAIMS: dict[str, Callable[[Pairs, int], None]] = {
    "nothing": lambda pairs, by: None, "lost": _later, "dropped": _dropped, "failed": _failing, "others": _shared,
    "lost, not others": _lost_instead, "trimmed": _plus("trimmed"), "behind": _plus("pcrUpdateCounter"),
    "uncertain": _both(_plus("uncertain"), _plus("pcrUpdateCounter")),
    "lost and dropped": _both(_later, _dropped), "fewer lost": lambda pairs, by: _later(pairs, -by),
    "none dropped": _set("dropped", "0"), "none failed": _set("failed", "0")}


def quoted_values(quote: Quote) -> str:
    """The quoted values, as a record has them."""
    return values_text(quote, {bank.alg: value for bank, value in quote.values})


def values_text(quote: Quote, values: dict[str, bytes]) -> str:
    return f"{quote.ima_pcr}:" + ",".join(f"{bank.kernel_name}:{values[bank.alg].hex()}" for bank, _ in quote.values)


def replayed(quote: Quote, shown: list[Shown], start: int, text: bytes | None) -> str:
    """The values to which the entries from @start on lead, from zero or from those in the text of a record."""
    values = {bank.alg: bytes(bank.size) for bank, _ in quote.values}
    if text:
        for name, value in re.findall(r"(\w+):([0-9a-f]{40,})", pairs_of(text).get("pcr", "")):
            values.update({bank.alg: bytes.fromhex(value) for bank, _ in quote.values if bank.kernel_name == name})
    for one in shown[start:]:
        if one.wire.pcr == quote.ima_pcr:
            for bank, _ in quote.values:
                values[bank.alg] = hashlib.new(bank.alg, values[bank.alg] + one.wire.extended(
                    bank.alg, bank.size, bank.known)).digest()
    return values_text(quote, values)


def moved_on(text: bytes, by: int) -> Pairs:
    """What a record would have said @by entries later, as a request."""
    pairs = pairs_of(text)
    for key in ("before", "resets", "restarts"):
        pairs.pop(key, None)
    pairs["event"] = "request"
    banks = int(pairs.get("banks", 0))
    for key in ("entries", "extends"):
        _number(pairs, key, by)
    _number(pairs, "updates", by * banks)
    if "pcrUpdateCounter" in pairs:
        pairs["pcrUpdateCounter"] = str((int(pairs["pcrUpdateCounter"]) + by * banks) % 2**32)
    return pairs


@dataclass(frozen=True)
class Forgery:
    """An entry that an attacker makes up."""
    kind: str = "record"
    twist: str = "as it is"
    second: str = "as it is"
    by: int = 1
    # The values in the record: "base", those of the record that it was made from; "replayed"; "quoted"
    values: str = "replayed"
    pcr: int | None = None
    template: str = "ima-buf"
    # Of a record, with keys that agree with each other
    claim: str = "nothing"

    def wire(self, shown: list[Shown], quote: Quote, at: int) -> Wire:
        order = shown[0].wire.order if shown else entries.LITTLE
        return self.made(shown, quote, at).changed(order=order)

    def made(self, shown: list[Shown], quote: Quote, at: int) -> Wire:
        pcr = quote.ima_pcr if self.pcr is None else self.pcr
        if self.kind == "file":
            return entries.of_file(pcr, b"/bin/evil%d" % self.by, b"evil")
        if self.kind == "start":
            return entries.of_file(pcr, b"boot_aggregate", b"firmware")
        if self.kind == "copy" and shown:
            return shown[at % len(shown)].wire.changed(pcr=pcr)
        wire = entries.of_buffer(pcr, b"pcr_counter", self.text(shown, quote, at), self.template)
        return wire.changed(digest=bytes(entries.SHA1_SIZE)) if self.kind == "violation" else wire

    def text(self, shown: list[Shown], quote: Quote, at: int) -> bytes:
        """Of a record that fits what is before it, and is then twisted."""
        start, base = 0, None
        for index in range(at - 1, -1, -1):
            entry = shown[index].entry
            if entry and entry.facts and shown[index].wire.pcr == quote.ima_pcr:
                start, base = index, entry.facts
                break
        pairs = moved_on(base.text if base else NO_RECORD, at - start)
        CLAIMS[self.claim](pairs, self.by)
        if self.values == "replayed" and "error" not in pairs:
            pairs["pcr"] = replayed(quote, shown[:at], start, base.text if base and base.has_values else None)
        elif self.values == "quoted" and "error" not in pairs:
            pairs["pcr"] = quoted_values(quote)
        for twist in (self.twist, self.second):
            TWISTS[twist](pairs, self.by)
        return text_of(pairs)


@dataclass(frozen=True)
class Change:
    """One change of a list by its carrier, at the entry @at (modulo the list's length)."""
    what: str
    at: int = 0
    count: int = 1
    forgery: Forgery = Forgery()
    template: str = "ima-ng"
    claim: str = "nothing"
    # Of entries, or of the events of records
    name: bytes = b""

    def apply(self, shown: list[Shown], quote: Quote) -> list[Shown]:
        if not shown:
            return shown
        at = self.at % len(shown)
        count = max(self.count, 1)
        made = list(shown)
        if self.what == "insert":
            made.insert(at, Shown(self.forgery.wire(shown, quote, at), None))
        elif self.what == "append":
            made.append(Shown(self.forgery.wire(shown, quote, len(shown)), None))
        elif self.what == "delete":
            del made[at:at + count]
        elif self.what == "delete named":
            named = [index for index, one in enumerate(made) if one.wire.name.startswith(self.name) or
                     (record_of(one, quote) or {}).get("event", "").encode() == self.name]
            if named:
                del made[named[self.at % len(named)]]
        elif self.what == "truncate":
            del made[at:]
        elif self.what == "double":
            made[at:at] = [Shown(one.wire, None) for one in made[at:at + count]]
        elif self.what == "swap":
            other = (at + count) % len(made)
            # What is not where it was is none of the kernel's
            made[at], made[other] = Shown(made[other].wire, None), Shown(made[at].wire, None)
        elif self.what == "edit":
            made[at] = edited(made[at], self.count)
        elif self.what == "story":
            return told(made, self, quote)
        elif self.what == "kernel":
            made[at:at] = [Shown(wire, None) for wire in kernel(shown, self, quote, at)]
        elif self.what == "forge record":
            made[at] = forged(made[at], self.forgery)
        elif self.what == "violation":
            made[at] = as_violation(made[at], self.forgery, shown, quote, at)
        elif self.what == "template":
            for index in range(at, min(at + count, len(made))):
                made[index] = Shown(made[index].wire.changed(template=self.template), made[index].entry)
        elif self.what == "pcr":
            made[at] = moved(made[at], (11, 16, 23, 24, 10, 2**32 - 1)[self.count % 6], quote)
        return made


def edited(one: Shown, how: int) -> Shown:
    """Change the name or the content of an entry, or its digest only."""
    wire = one.wire
    if how % 3 == 0:
        return Shown(wire.changed(digest=b"\1" * entries.SHA1_SIZE), None)
    fields = list(wire.fields)
    if how % 3 == 1:
        fields[1] = b"/changed\0"
    else:
        fields[0] = file_digest(b"another content %d" % how)
    # The name of a violation is in no digest
    return Shown(wire.changed(fields=tuple(fields)), one.entry if wire.is_violation else None)


def forged(one: Shown, forgery: Forgery) -> Shown:
    """Twist a record."""
    if not one.entry or not one.entry.facts or one.wire.is_violation:
        return one
    pairs = pairs_of(one.entry.facts.text)
    TWISTS[forgery.twist](pairs, forgery.by)
    text = text_of(pairs)
    if text == one.entry.facts.text:
        return one
    fields = (file_digest(text), one.wire.fields[1], text)
    return Shown(one.wire.changed(fields=fields), None)


def record_of(one: Shown, quote: Quote) -> Pairs | None:
    """The keys of a record, whoever made it."""
    wire = one.wire
    if wire.pcr != quote.ima_pcr or wire.is_violation or wire.name != b"pcr_counter" or len(wire.fields) != 3 or \
            not wire.fields[2].startswith(b"version=") or not wire.fields[2].endswith(b";") or \
            not wire.fields[2].isascii():
        return None
    pairs = [pair.split("=", 1) for pair in wire.fields[2].decode().split(";") if pair]
    return {pair[0]: pair[1] for pair in pairs} if all(len(pair) == 2 for pair in pairs) else None


def with_text(wire: Wire, text: bytes) -> Wire:
    return wire.changed(fields=(file_digest(text), wire.fields[1], text))


def told(shown: list[Shown], story: Change, quote: Quote) -> list[Shown]:
    """
    A claim in the records of a kernel from the entry @at on, and all that follows from it, in half of @count records,
    or if that is odd, in those up to the last gap: with the values of the forgery "replayed", they agree with each other
    and with the entries in front of them.
    """
    made, start, before = list(shown), 0, None
    at, carried, moved = story.at % len(shown), None, 0
    left = len(shown) if story.count % 2 else max(story.count // 2, 1)
    end = last_gap(shown, quote) if story.count % 2 else len(shown)
    for index, one in enumerate(made):
        pairs = record_of(one, quote)
        if pairs is None:
            continue
        if at <= index < end and left:
            left -= 1
            if carried is None:
                carried = pairs.get("carried")
            counter = int(pairs.get("pcrUpdateCounter", 0))
            if pairs.get("carried") == carried:
                CLAIMS[story.claim](pairs, story.forgery.by)
                moved = int(pairs.get("pcrUpdateCounter", 0)) - counter
            else:
                _number(pairs, "pcrUpdateCounter", moved)
            if story.forgery.values == "replayed":
                retold(pairs, quote, made[:index], start, before)
            if text_of(pairs) != one.wire.fields[2]:
                made[index] = Shown(with_text(one.wire, text_of(pairs)), None)
        start, before = index, text_of(pairs) if "pcr" in pairs else None
    return made


def last_gap(shown: list[Shown], quote: Quote) -> int:
    """The last record to whose values the entries before it do not lead."""
    start, before, found = 0, None, 0
    for index, one in enumerate(shown):
        pairs = record_of(one, quote)
        if pairs is None or "pcr" not in pairs:
            continue
        if pairs["pcr"] != replayed(quote, shown[:index], start, before):
            found = index
        start, before = index, text_of(pairs)
    return found


def retold(pairs: Pairs, quote: Quote, shown: list[Shown], start: int, text: bytes | None) -> None:
    """Give a record the values to which the entries before it lead."""
    if "pcr" in pairs:
        pairs["pcr"] = replayed(quote, shown, start, text)
    if "before" in pairs:
        pairs["before"] = replayed(quote, shown[:-1], start, text)


def kernel(shown: list[Shown], story: Change, quote: Quote, at: int) -> list[Wire]:
    """As if a kernel had been executed there: its last record, and the first two entries of the next one."""
    order = shown[0].wire.order
    last = Forgery(by=story.forgery.by).made(shown, quote, at)
    old = record_of(Shown(last, None), quote) or {}
    old["event"] = "kexec_execute"
    if not {"entries", "trimmed", "banks"} <= set(old):
        return []
    CLAIMS[story.claim](old, story.forgery.by)
    last = with_text(last, text_of(old)).changed(order=order)
    first = entries.of_file(quote.ima_pcr, b"boot_aggregate", b"firmware").changed(order=order)
    banks, carried = int(old["banks"]), int(old["entries"]) + 1 - int(old["trimmed"])
    new = {key: "0" for key in old if key != "pcr"} | {
        "version": "1", "event": "boot", "banks": str(banks), "updates": str(banks), "carried": str(carried),
        "entries": str(carried + 1), "extends": "1"}
    if "step" in old:
        new["step"] = old["step"]
    if "pcrUpdateCounter" in old:
        new["pcrUpdateCounter"] = str((int(old["pcrUpdateCounter"]) + 2 * banks) % 2**32)
    both = [*shown[:at], Shown(last, None)]
    index = next((n for n in range(at - 1, -1, -1) if record_of(shown[n], quote)), 0)
    text = shown[index].wire.fields[2] if shown and record_of(shown[index], quote) else None
    if text and "pcr=" not in text.decode():
        text = None
    if "pcr" in old:
        new["before"] = replayed(quote, both, index if text else 0, text)
        new["pcr"] = replayed(quote, [*both, Shown(first, None)], index if text else 0, text)
    boot = entries.of_buffer(quote.ima_pcr, b"pcr_counter", text_of(new)).changed(order=order)
    return [last, first, boot]


def as_violation(one: Shown, forgery: Forgery, shown: list[Shown], quote: Quote, at: int) -> Shown:
    """Give a violation, whose data is in no digest, the data of another entry."""
    if not one.wire.is_violation:
        return one
    made = forgery.wire(shown, quote, at)
    return Shown(Wire(one.wire.pcr, made.template, made.fields, bytes(entries.SHA1_SIZE), made.order), one.entry)


def moved(one: Shown, pcr: int, quote: Quote) -> Shown:
    wire = one.wire.changed(pcr=pcr)
    inside = one.wire.pcr == quote.ima_pcr, wire.pcr == quote.ima_pcr
    # One that is in no digest of the IMA PCR is of no interest
    return Shown(wire, one.entry if inside[0] == inside[1] else None)


@dataclass(frozen=True)
class Root:
    """
    Root extends the IMA PCR with what he made up, and shows the list as it was when he came, with @changes, and his
    own entries behind it.
    """
    forgeries: tuple[Forgery, ...]
    changes: tuple[Change, ...]
    # Does he also bypass the kernel's driver?
    behind: bool = False

    def apply(self, machine: Machine) -> tuple[list[Shown], Quote]:
        base = machine.quotes[-1]
        shown = [Shown(entry.wire, entry) for entry in base.list]
        for change in self.changes:
            shown = change.apply(shown, base)
        made: list[Shown] = []
        for forgery in self.forgeries:
            now = self.look(machine)
            wire = forgery.wire(shown + made, now, len(shown) + len(made))
            if not wire.is_violation:
                wire = wire.changed(pcr=machine.ima_pcr)
            machine.extend(wire)
            made.append(Shown(wire, None))
        return shown + made, self.look(machine)

    @staticmethod
    def look(machine: Machine) -> Quote:
        """Quote what the TPM has now."""
        values = machine.ima_values()
        machine.quote(values, dict.fromkeys(values, machine.position), machine.tpm.counter, machine.extended())
        return machine.quotes.pop()
