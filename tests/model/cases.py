# SPDX-License-Identifier: GPL-2.0-only
"""A history, with or without an attacker: what is shown to the verifier, and whether its answers are right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model import check, machine
from model.attacks import Change, Root
from model.brief import brief
from model.check import COMPLETE, INCOMPLETE, NOT_COUNTED, REFUSED, Form, Step
from model.driver import Answer, Library
from model.machine import Machine, Operation, Quote, Setup
from model.operations import TakeQuote
from model.truth import EVERY, Expected, Shown, judge, recognized, shown

History = tuple[Setup, list[Operation], TakeQuote]
Parts = Sequence[Sequence[Shown]]
PLAIN_AND_QUOTED = check.FORMS[0], check.FORMS[-1]


@dataclass(frozen=True)
class Wrong:
    """A wrong answer."""
    attacker: str
    story: str
    parts: Parts
    quote: Quote
    expected: Expected
    form: Form
    problems: list[str]
    answer: Answer

    @property
    def kind(self) -> tuple[str, ...]:
        """Wrong answers of one kind probably have one cause."""
        data = self.answer.data
        what = sorted({one["kind"] for one in data.get("findings", [])}) or [data.get("text", "")[:50]]
        return (self.attacker, self.answer.verdict, "/".join(sorted(self.expected.verdicts)), *what)

    @property
    def severity(self) -> int:
        """0 is worst."""
        said, right = self.answer.verdict, self.expected.verdicts
        good = {COMPLETE, NOT_COUNTED}
        if said in good and not right & good:
            return 0
        if said == INCOMPLETE and said not in right:
            return 1
        if said in right:
            return 2
        return 3 if right & good else 4

    def __str__(self) -> str:
        return "\n".join((f"{self.attacker}, {self.form.name}: " + "; ".join(self.problems), self.story,
                          "because: " + "; ".join(self.expected.why), f"answer: {self.answer.data}"))

    def save(self, folder: Path) -> None:
        """As a vector."""
        folder.mkdir(parents=True, exist_ok=True)
        lists = check.rendered(self.parts, replace(self.form, parts=True))
        for number, part in enumerate(lists, 1):
            (folder / ("list" if len(lists) == 1 else f"part{number}")).write_bytes(part)
        (folder / "pcrs").write_text(self.quote.pcrs, encoding="ascii")
        (folder / "expected").write_text(
            f"verdict: {' or '.join(sorted(self.expected.verdicts))}\nlost: {self.expected.lost}\n"
            f"dropped: {self.expected.dropped}\nfailed: {self.expected.failed}\n"
            f"told: {self.expected.told}\n\n{self}\n", encoding="utf-8")


def lived(history: History) -> Machine:
    setup, operations, last = history
    return machine.run(setup, [*operations, last])


def honest(library: Library, history: History, forms: Sequence[Form] = check.FORMS) -> list[Wrong]:
    """Nobody attacks: at each quote, in each form, and from the state of the last quote."""
    live = lived(history)
    steps = [([shown(part) for part in quote.parts], quote) for quote in live.quotes]
    judged = [Step(parts, quote, judge([one for part in parts for one in part], quote)) for parts, quote in steps]
    story = f"{brief(history[0])}\n{brief([*history[1], history[2]])}"
    found = []
    for step in judged:
        found += [Wrong("nobody", story, step.parts, step.quote, step.expected, *wrong)
                  for wrong in check.wrong_answers(library, step.parts, step.quote, step.expected, forms)]
    if len(judged) > 1:
        for ascii_too in (False, True):
            found += [Wrong("nobody", story, step.parts, step.quote, step.expected, form, wrong, answer)
                      for step, form, wrong, answer in check.wrong_in_steps(library, judged, ascii_too)]
    return found


def split(entries: list[Shown], places: list[int]) -> list[list[Shown]]:
    """The list in parts that end at the entries @places, modulo its length."""
    ends = sorted({place % len(entries) for place in places} | {len(entries)}) if entries else [0]
    return [entries[start:end] for start, end in zip([0, *ends], ends)]


def carrier(library: Library, attack: tuple[History, list[Change], list[int]],
            forms: Sequence[Form] = (*check.FORMS[:3], check.FORMS[-1])) -> list[Wrong]:
    """The list is changed on its way, and handed over as a whole or in parts."""
    history, changes, places = attack
    live = lived(history)
    quote = live.quotes[-1]
    entries = [one for part in quote.parts for one in shown(part)]
    for change in changes:
        entries = change.apply(entries, quote)
    entries = recognized([one.wire for one in entries], quote.list, quote.ima_pcr)
    found = judge(entries, quote)
    expected = replace(found, verdicts=found.verdicts | REFUSED, forged=True)
    story = f"{brief(history[0])}\n{brief([*history[1], history[2]])}\n{brief(changes)} {places}"
    parts = split(entries, places)
    return [Wrong("carrier", story, parts, quote, expected, form, problems, answer)
            for form, problems, answer in check.wrong_answers(library, parts, quote, expected, forms)
            if answer.verdict != INCOMPLETE or not right_otherwise(answer, entries, quote)]


def right_otherwise(answer: Answer, entries: list[Shown], quote: Quote) -> bool:
    """
    A list whose parts were exchanged can be understood in more than one way: it may begin with a late record, or go on
    there with one, and what comes after the values is rubbish. Is the answer right for one of them?
    """
    made = quote.list
    for index, one in enumerate(entries):
        for first, entry in enumerate(made):
            if entry.facts and (entry.wire.pcr, entry.wire.key) == (one.wire.pcr, one.wire.key):
                wires = [other.wire for other in entries]
                rest = recognized(wires[index:], made[first:], quote.ima_pcr)
                for start in ([Shown(wire, None) for wire in wires[:index]],
                              recognized(wires[:index], made[:first], quote.ima_pcr)):
                    found = judge(start + rest, quote)
                    if not check.problems(answer, replace(found, verdicts=found.verdicts | REFUSED, forged=True)):
                        return True
    return False


def root(library: Library, attack: tuple[History, Root], forms: Sequence[Form] = PLAIN_AND_QUOTED) -> list[Wrong]:
    history, villain = attack
    live = lived(history)
    entries, quote = villain.apply(live)
    entries = recognized([one.wire for one in entries], quote.list, quote.ima_pcr)
    found = judge(entries, quote)
    # He can invent a loss, but not hide one
    good = {COMPLETE, NOT_COUNTED}
    verdicts = frozenset((EVERY if found.verdicts & good else EVERY - good) | REFUSED)
    expected = replace(found, verdicts=verdicts, lost=None, dropped=None, failed=None, told=[])
    story = f"{brief(history[0])}\n{brief([*history[1], history[2]])}\n{brief(villain)}"
    return [Wrong("root", story, [entries], quote, expected, *wrong)
            for wrong in check.wrong_answers(library, [entries], quote, expected, forms)]


def bus(library: Library, history: History, forms: Sequence[Form] = PLAIN_AND_QUOTED) -> list[Wrong]:
    """Answers of the TPM are altered on their way to the kernel."""
    live = lived(history)
    quote = live.quotes[-1]
    entries = [one for part in quote.parts for one in shown(part)]
    expected = judge(entries, quote)
    unprotected = not history[0].boot.hmac
    requests = [one for one in history[1] if getattr(one, "altered", None)]
    if unprotected and any(one.altered[0] == "values" for one in requests):  # type: ignore[attr-defined]
        expected = replace(expected, verdicts=frozenset(("mismatch",)))
    story = f"{brief(history[0])}\n{brief([*history[1], history[2]])}"
    found = [Wrong("bus", story, [entries], quote, expected, *wrong)
             for wrong in check.wrong_answers(library, [entries], quote, expected, forms)]
    if requests and not found:
        answer = library.verify(check.rendered([entries], forms[0]), quote.pcrs, ima_pcr=quote.ima_pcr)
        if answer.verdict in (COMPLETE, NOT_COUNTED) and not answer.data["has_findings"]:
            found.append(Wrong("bus", story, [entries], quote, expected, forms[0],
                               ["an altered answer of the TPM is not reported"], answer))
    return found


def copier(library: Library, attack: tuple[History, list[Change], list[Change], bool]) -> list[Wrong]:
    """
    There is a copy of the list. Changes are made to the list, and to the copy of each kernel's list.

    Whatever the copy is, it leaves the answer as it is, or completes the list that was extended. The last member of
    @attack: it has all that is missing.
    """
    history, changes, forged, whole = attack
    quote = lived(history).quotes[-1]
    entries = [one for part in quote.parts for one in shown(part)]
    runs = [shown(run) for run in quote.copies]
    for change in changes:
        entries = change.apply(entries, quote)
    for change in forged:
        runs = [change.apply(run, quote) for run in runs]
    form = check.FORMS[0]
    plain, answer = (library.verify(check.rendered([entries], form) or [b""], quote.pcrs, ima_pcr=quote.ima_pcr,
                                    copy=copy) for copy in ((), [check.rendered([run], form)[0] for run in runs]))
    problems = check.copy_problems(plain, answer, entries, runs, quote)
    if not problems and whole and answer.verdict != COMPLETE:
        problems = [f"{answer.verdict}, although the copy has all that is missing"]
    story = f"{brief(history[0])}\n{brief([*history[1], history[2]])}\n{brief(changes)}\ncopy: {brief(forged)}"
    expected = judge(recognized([one.wire for one in entries], quote.list, quote.ima_pcr), quote)
    return [Wrong("copier", story, [entries], quote, expected, form, problems, answer)] if problems else []


KINDS: dict[str, Callable[..., list[Wrong]]] = {"histories": honest, "carriers": carrier, "stories": carrier, "roots": root, "buses": bus,
                                                "copies": copier}
