# SPDX-License-Identifier: GPL-2.0-only
"""
What the verifier has to answer about a list that is shown to it.

This compares no digests and parses no record. It knows which entries there were, which of them the TPM was extended
with and which ones are shown, and works out what the records among those say about the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from model.entries import Entry, Facts, Position, Wire
from model.machine import Quote

COMPLETE, NOT_COUNTED, INCOMPLETE, MISMATCH = "complete", "complete_not_counted", "incomplete", "mismatch"
EVERY = frozenset((COMPLETE, NOT_COUNTED, INCOMPLETE, MISMATCH))


@dataclass(frozen=True)
class Shown:
    """An entry of the list that the verifier gets; @entry is None if no kernel made it like this."""
    wire: Wire
    entry: Entry | None

    def facts(self, ima_pcr: int) -> Facts | None:
        return self.entry.facts if self.entry and self.wire.pcr == ima_pcr else None


def shown(entries: Iterable[Entry]) -> list[Shown]:
    return [Shown(entry.wire, entry) for entry in entries]


RECORD_WEIGHT = 3


def recognized(wires: Sequence[Wire], made: Sequence[Entry], ima_pcr: int) -> list[Shown]:
    """
    Which entries of a list that was tampered with are still those that kernels @made, in their order? As many as
    possible, and rather records than others.
    """
    weights = [RECORD_WEIGHT if entry.facts and entry.wire.pcr == ima_pcr else 1 for entry in made]
    keys = [(entry.wire.pcr, entry.wire.key) for entry in made]
    others = [(wire.pcr, wire.key) for wire in wires]
    best = [[0] * (len(others) + 1) for _ in range(len(keys) + 1)]
    for i in range(len(keys) - 1, -1, -1):
        row, below = best[i], best[i + 1]
        for j in range(len(others) - 1, -1, -1):
            row[j] = max(below[j], row[j + 1], below[j + 1] + weights[i] if keys[i] == others[j] else 0)
    found, i = [], 0
    for j, wire in enumerate(wires):
        while i < len(keys) and best[i][j] == best[i + 1][j] and best[i][j] != best[i][j + 1]:
            i += 1
        if i < len(keys) and keys[i] == others[j] and best[i][j] == best[i + 1][j + 1] + weights[i]:
            found.append(Shown(wire, made[i]))
            i += 1
        else:
            found.append(Shown(wire, None))
    return found


@dataclass(frozen=True)
class Told:
    """What a record tells, beyond those before it."""
    index: int
    # Entries in other PCRs, of which no value tells whose they are, may be taken for so many of those lost
    lost: int = 0
    masked: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Updates:
    """So many updates between two records are not explained."""
    first: int
    second: int
    unexplained: int


@dataclass(frozen=True)
class Counts:
    """What a record says of its kernel, whatever other records say."""
    kernel: int
    entries: int
    dropped: int
    failed: int


@dataclass
class Expected:
    verdicts: frozenset[str]
    # The totals that are right; None if any is
    lost: frozenset[int] | None
    dropped: frozenset[int] | None
    failed: frozenset[int] | None
    # Entries that the values of all banks prove, and that those of some bank prove
    low: int
    reach: int
    told: list[Told] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    # Records between which entries are missing that no record's number of entries tells
    unsized: bool = False
    kernels: int | None = None
    updates: list[Updates] = field(default_factory=list)
    # Of each record that a kernel made, by its index
    counts: dict[int, Counts] = field(default_factory=dict)
    # Could somebody change what comes before a gap? Then only the counts of the record after it are proved
    forged: bool = False


class _Judge:
    def __init__(self, entries: Sequence[Shown], quote: Quote):
        self.entries, self.quote = entries, quote
        self.present = {id(one.entry) for one in entries if one.entry}
        # Which moment of the PCR the replay is at, None if it is at none; and without the entries whose extend failed
        self.at: Position | None = Position(0, 0)
        self.at_without: Position | None = Position(0, 0)
        self.reach: dict[str, int] = {}
        self.told: list[Told] = []
        self.counted: set[int] = set()
        self.previous: Facts | None = None
        self.previous_number = -1
        # Entries that no kernel made, since the last record: in the IMA PCR, and in others
        self.aliens = self.aliens_elsewhere = 0
        self.aliens_anywhere = any(one.entry is None for one in entries)
        # May the replay go on from the next record's values? And may it be refused all the same?
        self.pending = self.doubt = False
        # Are there more entries than records count, so that some may have been put in?
        self.excess = False
        self.restarts: list[int] = []
        self.doubts: list[int] = []
        self.faults: list[int] = []
        self.records: list[int] = []
        self.unsized = False
        # Does a kernel look like a part of the one before?
        self.merged = False
        # Are entries missing between records of the kernel of the last one?
        self.lost_in_kernel = False
        # Since the last record with values
        self.failed = 0
        self.why: list[str] = []
        self.handover: list[Entry] = []
        self.balanced = False

    def consume(self, at: Position | None, wire: Wire) -> Position | None:
        if wire.pcr != self.quote.ima_pcr:
            return at
        if at is None or at.epoch >= len(self.quote.log):
            return None
        return self.moment((*self.quote.log[at.epoch][:at.count], wire.key))

    def moment(self, keys: tuple[bytes, ...]) -> Position | None:
        """The first moment at which the PCR had been extended with these since its reset: two of them look the same."""
        for epoch, log in enumerate(self.quote.log):
            if log[:len(keys)] == keys:
                return Position(epoch, len(keys))
        return None

    def same(self, position: Position) -> Position:
        """The first moment that looks like @position."""
        if position.epoch >= len(self.quote.log) or position.count > len(self.quote.log[position.epoch]):
            return position
        return self.moment(self.quote.log[position.epoch][:position.count]) or position

    def run(self) -> Expected:
        for index, one in enumerate(self.entries):
            facts = one.facts(self.quote.ima_pcr)
            if facts and one.entry:
                self.record(index, one.entry, facts)
            if one.entry is None and one.wire.pcr == self.quote.ima_pcr:
                self.aliens += 1
            elif one.entry is None:
                self.aliens_elsewhere += 1
            self.at = self.consume(self.at, one.wire)
            if not one.entry or one.entry.executed:
                self.at_without = self.consume(self.at_without, one.wire)
            for alg, position in self.quote.positions.items():
                if self.at == self.same(position):
                    self.reach[alg] = index + 1
        return self.conclude()

    def record(self, index: int, entry: Entry, facts: Facts) -> None:
        self.records.append(index)
        same = self.previous is not None and self.previous.kernel == facts.kernel
        missing = [one for one in facts.before if id(one) not in self.present and id(one) not in self.counted]
        self.counted.update(map(id, missing))
        if not same and not facts.carried and facts.started_at is not None and not (
                self.previous and self.previous.counter is not None):
            # Nobody knows what belongs before this kernel
            self.aliens -= self.aliens_before(index, entry.kernel)
        lost = len(missing) - self.aliens
        elsewhere, self.aliens, self.aliens_elsewhere = self.aliens_elsewhere, 0, 0
        if lost < 0 and not same and not facts.carried and self.may_be_reset(index, facts):
            # What is in front may be another kernel's: the PCR proves nothing before its reset
            self.doubts.append(index)
        elif lost < 0:
            self.faults.append(index)
            self.why.append(f"{-lost} entries more than record {index} counts")
        failed = facts.failed - (self.previous.failed if same and self.previous else 0)
        dropped = facts.dropped - (self.previous.dropped if same and self.previous else 0)
        self.balanced = False
        if not same:
            # If a kernel without records came between, what kexec cut may as well have been handed over
            self.excess = self.excess or self.deletions_unknown(facts) or self.in_front(index, facts) > 0 or (
                self.previous is not None and facts.kernel > self.previous.kernel + 1 and self.lost_in_kernel)
            self.new_kernel(index, facts)
            self.start(index, entry.kernel, facts)
        if lost > 0:
            self.pending = True
        self.lost_in_kernel = lost > 0 or same and self.lost_in_kernel
        if self.handover and facts.counter is not None:
            lost += len(self.handover)
            self.counted.update(map(id, self.handover))
            self.handover = []
            if self.balanced or self.previous and self.previous.starts != facts.starts:
                # Nor does the counter tell, if firmware has moved it
                self.doubt = True
            else:
                self.pending = True
        position = self.same(facts.position)
        self.failed += failed
        if self.failed > 0 and facts.has_values and self.at_without == position:
            self.pending = True
        elif self.failed > 0 or not same and self.at_without == position:
            # Or no record counts the extends that failed in the kernel before, and the verifier may find out which
            self.doubt = True
        if facts.event == "resume":
            before = self.known_resets(index)
            if facts.resets is None or before is None:
                self.doubt = True
            elif before != facts.resets:
                self.pending = True
        if not facts.has_account:
            self.doubt = True
        self.told.append(Told(index, max(lost, 0), min(max(lost, 0), elsewhere + self.in_front(index, facts)), failed,
                              dropped))
        self.compare(index, facts)
        self.previous, self.previous_number = facts, entry.number

    def in_front(self, index: int, facts: Facts) -> int:
        """How many deleted entries are in front that no record tells from those that are missing?"""
        inside = set(map(id, facts.before))
        if self.previous is not None:
            inside.update(map(id, self.previous.before[:self.previous.trimmed]))
        return sum(one.entry is not None and one.entry.kernel < facts.kernel and id(one.entry) not in inside
                   for one in self.entries[:index])

    def deletions_unknown(self, facts: Facts) -> bool:
        """Were entries deleted after the last record of the kernels before?"""
        if self.previous is None:
            return False
        known = set(map(id, (*facts.before, *self.previous.before[:self.previous.trimmed])))
        return any(entry.deleted and entry.kernel < facts.kernel and id(entry) not in known
                   for entry in self.quote.master)

    def aliens_before(self, index: int, kernel: int) -> int:
        """How many entries since the last record that no kernel made are before the first one of this kernel?"""
        start = next(n for n, one in enumerate(self.entries) if one.entry and one.entry.kernel == kernel)
        last = self.records[-2] + 1 if len(self.records) > 1 else 0
        return sum(one.entry is None and one.wire.pcr == self.quote.ima_pcr for one in self.entries[last:start])

    def may_be_reset(self, index: int, facts: Facts) -> bool:
        return facts.event == "resume" and (facts.resets is None or facts.resets != self.known_resets(index))

    def known_resets(self, index: int) -> int | None:
        """What the last record before @index says of the TPM's resets."""
        known = self.known_starts(index)
        return known.resets if known else None

    def known_starts(self, index: int) -> Facts | None:
        """The last record before @index that says how often firmware has started the TPM."""
        for one in reversed(self.entries[:index]):
            facts = one.facts(self.quote.ima_pcr)
            if facts and facts.resets is not None:
                return facts
        return None

    def start(self, index: int, kernel: int, facts: Facts) -> None:
        """May the verifier misunderstand where a kernel begins, or what the counter says about the one before?"""
        if self.previous is None:
            # Without a record of the kernels before, parts that were deleted look as if they had been put in front
            front = sum(one.entry is not None and one.entry.kernel < kernel for one in self.entries[:index])
            if front > sum(one.kernel < kernel for one in facts.before) and self.at != facts.position:
                self.doubts.append(index)
            return
        own = next(one for one in self.quote.master if one.kernel == kernel)
        if id(own) not in self.present:
            # User space deletes boot_aggregate with all before it, not alone: it may as well have been cut out
            self.doubts.append(index)
            if facts.event != "boot" and facts.carried == self.previous.carried:
                # Or it looks like a record of the kernel before
                self.unsized = self.merged = True
        if facts.counter is not None and self.previous.counter is not None and (
                facts.starts != self.previous.starts or facts.strayed != self.previous.strayed):
            # The counter moved further than the kernels account for, as if entries had been lost
            self.doubt = self.unsized = True

    def new_kernel(self, index: int, facts: Facts) -> None:
        """The first record of a kernel: did everything arrive that the kernels before it made?"""
        inside = set(map(id, facts.before))
        gone = [one for one in self.quote.master
                if one.kernel < facts.kernel and one.number > self.previous_number and id(one) not in inside and
                id(one) not in self.present and id(one) not in self.counted]
        if not gone:
            return
        lacking = [one for one in gone if one.executed]
        if not lacking:
            # Nothing that the TPM has seen
            return
        self.unsized = self.unsized or len(lacking) < len(gone) or any(
            one.wire.pcr != self.quote.ima_pcr for one in lacking)
        gone = lacking
        # Where as many extends failed as entries are missing, the counter moved as if entries had been exchanged
        failed = [one for one in self.entries[:index] if one.entry and one.entry.number >= self.previous_number and
                  one.entry.kernel < facts.kernel and not one.entry.executed]
        self.balanced = len(failed) >= len(gone)
        neighbours = self.previous is not None and self.previous.kernel == facts.kernel - 1
        if neighbours and self.previous and self.previous.counter is not None:
            self.handover = gone
            # The counter does not tell what others or firmware did, nor what failed, from what was lost
            doubtful = any(one.position is None for one in gone) or any(
                one.entry and one.entry.position is None and one.entry.number >= self.previous_number
                for one in self.entries[:index]) or not facts.judged or facts.in_doubt or (
                    self.previous is None or self.previous.starts != facts.starts)
            self.unsized = self.unsized or bool(doubtful)
        else:
            self.unsized = True
            self.doubt = True

    def compare(self, index: int, facts: Facts) -> None:
        if facts.started_at is not None:
            start = next((n for n, one in enumerate(self.entries) if one.entry and one.entry.kernel == facts.kernel),
                         index)
            at: Position | None = self.same(facts.started_at)
            for one in self.entries[start:index]:
                at = self.consume(at, one.wire)
            if at is not None and at != self.at:
                self.why.append(f"record {index}: what was there before its kernel did not arrive")
                if self.balanced:
                    self.doubt = True
                else:
                    self.pending = True
                self.unsized = True
                if start == index - 1 and not facts.has_values and not facts.failed and not (
                        self.previous and facts.carried and self.previous.counter is not None):
                    # The TPM acknowledged the boot aggregate's extend, so the values are known all the same
                    self.go_on(index, at)
        if facts.has_values:
            self.go_on(index, self.same(facts.position))

    def go_on(self, index: int, position: Position) -> None:
        """The PCR was at @position when record @index was made."""
        if self.at != position:
            if self.pending or self.doubt:
                self.restarts.append(index)
                if self.excess or not self.pending:
                    self.doubts.append(index)
            else:
                self.faults.append(index)
                self.why.append(f"record {index}: the replay differs, and nothing explains it")
            self.at = position if self.pending or self.doubt else None
        self.at_without = self.at
        self.pending = self.doubt = self.excess = False
        self.failed = 0

    def conclude(self) -> Expected:
        if any(position.count == 0 for position in self.quote.positions.values()):
            return Expected(EVERY, None, None, None, 0, 0, why=["a PCR that was never extended"])
        if len(self.reach) < len(self.quote.positions):
            verdicts = {MISMATCH}
            if (self.pending or self.doubt or self.doubts) and not self.faults:
                verdicts.add(INCOMPLETE)
            return Expected(frozenset(verdicts), None, None, None, 0, 0, self.told,
                            [*self.why, "the list does not lead to the values"], self.unsized)
        low, high = min(self.reach.values()), max(self.reach.values())
        # A record behind what the values prove may be believed or not
        verdicts = set()
        ends = {low, high, len(self.entries)}
        for end in ends:
            verdicts |= self.verdict(end)
        if any(fault < low for fault in self.faults):
            verdicts = {MISMATCH}
        totals = {name: frozenset(sum(getattr(one, name) for one in self.told if one.index < end) for end in ends)
                  for name in ("lost", "dropped", "failed")}
        masked = sum(one.masked for one in self.told)
        totals["lost"] = frozenset(n for lost in totals["lost"] for n in range(max(lost - masked, 0), lost + 1))
        # Of extends that failed and no record counts, the verifier may find out
        # or take those for it that a reset of the PCR, of which no record tells, has undone
        epoch = max(position.epoch for position in self.quote.positions.values())
        silent = sum(one.entry is not None and (
            not one.entry.executed or one.entry.position is not None and one.entry.position.epoch < epoch)
            for one in self.entries[:high])
        # An entry that was put in may take the place of one whose extend failed
        silent += min(sum(one.entry is None for one in self.entries),
                      sum(not entry.executed and id(entry) not in self.present for entry in self.quote.master))
        failed = frozenset(range(min(totals["failed"]), max(totals["failed"]) + silent + 1))
        if self.quote.others and not self.others_agree():
            verdicts |= {INCOMPLETE, MISMATCH}
        return Expected(frozenset(verdicts), None if self.unsized else totals["lost"], totals["dropped"],
                        failed, low, high, self.told, self.why, self.unsized, self.kernels(low), self.updates(low),
                        self.counts())

    def counts(self) -> dict[int, Counts]:
        """Of two equal records, either may be the one that a kernel made."""
        every = {(entry.wire.pcr, entry.wire.key): entry.facts for entry in self.quote.master if entry.facts}
        found = {index: every.get((one.wire.pcr, one.wire.key)) for index, one in enumerate(self.entries)}
        return {index: Counts(facts.kernel, len(facts.before), facts.dropped, facts.failed)
                for index, facts in found.items() if facts and self.entries[index].wire.pcr == self.quote.ima_pcr}

    def others_agree(self) -> bool:
        """Do the entries that are shown lead to the values of other PCRs, too?"""
        return all(entry.executed and id(entry) in self.present for entry in self.quote.master
                   if entry.wire.pcr != self.quote.ima_pcr) and not any(
                       one.entry is None and one.wire.pcr != self.quote.ima_pcr for one in self.entries)

    def kernels(self, end: int) -> int | None:
        """How many kernels there were, if a record of each tells where it began."""
        inside = {one.entry.kernel for one in self.entries[:end] if one.entry}
        every = {one.entry.kernel for one in self.entries if one.entry}
        told = {one.entry.kernel for index, one in enumerate(self.entries) if index in self.records and index < end
                and one.entry}
        return len(told) if told == inside == every and not self.aliens_anywhere and not self.merged else None

    def updates(self, end: int) -> list[Updates]:
        """What is true of the counter between neighbouring records of a kernel that can be judged."""
        found = []
        for first, second in zip(self.records, self.records[1:]):
            a, b = (self.entries[index].facts(self.quote.ima_pcr) for index in (first, second))
            assert a and b
            known = self.known_starts(second)
            if b.event == "resume" and (b.resets is None or known is None or known.starts != b.starts):
                # Firmware has moved the counter, or nobody knows whether it has
                continue
            if second < end and a.kernel == b.kernel and a.counter is not None and b.counter is not None and \
                    a.starts == b.starts and a.judged and b.judged and not a.altered and \
                    not b.altered:
                more = b.true_behind - a.true_behind + b.done_in_doubt - a.done_in_doubt
                found.append(Updates(first, second, more - (b.in_doubt - a.in_doubt) if more > b.in_doubt - a.in_doubt
                                     else 0))
        return found

    def verdict(self, end: int) -> set[str]:
        told = [one for one in self.told if one.index < end]
        restarts = [index for index in self.restarts if index < end]
        certain = any(one.lost > one.masked or one.dropped for one in told) or restarts
        verdicts = {INCOMPLETE}
        if not certain:
            counted = {COMPLETE} if any(index < end for index in self.records) else {NOT_COUNTED}
            # Extends that were executed although their answers were lost: nothing is missing
            verdicts = counted | {INCOMPLETE} if any(one.failed or one.lost for one in told) else counted
        if any(index < end for index in self.doubts):
            verdicts.add(MISMATCH)
        return verdicts


def judge(entries: Sequence[Shown], quote: Quote) -> Expected:
    return _Judge(entries, quote).run()
