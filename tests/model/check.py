# SPDX-License-Identifier: GPL-2.0-only
"""Ask the verifier about a list in all forms in which it can come, and compare the answers with the truth."""

import collections
from collections.abc import Sequence
from dataclasses import dataclass

from model.driver import BUFFER, FILE, PIPE, Answer, Library
from model.machine import Quote
from model.truth import COMPLETE, INCOMPLETE, MISMATCH, NOT_COUNTED, Expected, Shown

ERROR = "error"
# A template that the verifier does not know
UNKNOWN = "ima-cgpath"
# Of a malformed list that an attacker made
REFUSED = frozenset((MISMATCH, ERROR))


@dataclass(frozen=True)
class Form:
    name: str
    ascii: bool = False
    how: int = BUFFER
    # One part, or as many as the list has
    parts: bool = False
    # With pcrUpdateCounter as of the PCR values
    counter: bool = False
    # As evidence has them: with that, and what a quote signs
    quoted: bool = False


FORMS = (Form("binary"), Form("ascii", ascii=True), Form("binary parts", how=FILE, parts=True),
         Form("ascii parts", ascii=True, how=FILE, parts=True), Form("binary pipe", how=PIPE),
         Form("ascii pipe", ascii=True, how=PIPE), Form("binary parts, pipes", how=PIPE, parts=True), Form("binary with counter", counter=True),
         Form("binary quoted", counter=True, quoted=True))


def rendered(parts: Sequence[Sequence[Shown]], form: Form) -> list[bytes]:
    made = [b"".join(one.wire.ascii() if form.ascii else one.wire.binary() for one in part) for part in parts]
    return [part for part in made if part] if form.parts else [b"".join(made)]


def is_plain_in_ascii(parts: Sequence[Sequence[Shown]]) -> bool:
    """
    A line feed in the name of a violation looks like the end of an entry, and no digest tells that it is none. In what
    way a template that is not known shows its fields is not known either.
    """
    return not any(one.wire.template == UNKNOWN or
                   one.wire.is_violation and any(b"\n" in field for field in one.wire.fields[1:])
                   for part in parts for one in part)


def problems(answer: Answer, expected: Expected) -> list[str]:
    """What is wrong with an answer."""
    data, verdict = answer.data, answer.verdict
    if verdict == ERROR and data.get("text", "").startswith(("the list is empty", "no entry extends PCR")):
        return []
    if verdict not in expected.verdicts:
        return [f"{verdict}, not {' or '.join(sorted(expected.verdicts))}"]
    if verdict in REFUSED:
        return []
    found = []
    if data["restarted"] and verdict in (COMPLETE, NOT_COUNTED):
        found.append(f"{verdict}, although the replay went on from a record")
    gap = unproved_before(data)
    if gap and expected.forged:
        return found + contradicted(answer, expected, gap) + misplaced(answer, expected, gap)
    for name in ("lost", "dropped", "failed"):
        right = getattr(expected, name)
        if right is not None and data[name] not in right:
            found.append(f"{data[name]} {name}, not {' or '.join(map(str, sorted(right)))}")
    if verdict in (COMPLETE, NOT_COUNTED) and (data["lost"] or data["dropped"]):
        found.append(f"{verdict}, although it counts {data['lost']} lost, {data['dropped']} dropped")
    if expected.kernels not in (None, data["kernels"]):
        found.append(f"{data['kernels']} kernels, not {expected.kernels}")
    return found or misplaced(answer, expected) + unexplained(answer, expected)


def unproved_before(data: dict) -> int | None:
    """The index of the last record of which the answer says that nothing proves the kernels before it."""
    return max((one["to"][1] for one in data["findings"] if one["kind"] == "records_not_proved"), default=None)


def contradicted(answer: Answer, expected: Expected, gap: int) -> list[str]:
    """What record @gap says of its own kernel is right, and at least the entries that it counts are missing."""
    right = expected.counts.get(gap)
    if right is None:
        return [f"the answer relies on record {gap}, which no kernel made"]
    before = [one for one in answer.data["intervals"] if one["to"] is not None and one["to"] <= gap]
    own = [one for one in before if one["kernel"] == before[-1]["kernel"]]
    found = []
    for name in ("dropped", "failed"):
        value = sum(one[name] for one in own)
        if value != getattr(right, name):
            found.append(f"{value} {name} in the kernel of record {gap}, not {getattr(right, name)}")
    if sum(one["lost"] + one["lost_handover"] for one in before) < right.entries - gap:
        found.append(f"record {gap} counts {right.entries} entries, which are not all there or lost")
    return found


def unexplained(answer: Answer, expected: Expected) -> list[str]:
    """Updates that nothing explains are reported where they are, and nowhere else."""
    found = []
    said = {(one["from"][1], one["to"][1]): one["count"] for one in answer.data["findings"]
            if one["kind"] == "unexplained"}
    known = {one["to"] for one in answer.data["intervals"]}
    for one in expected.updates:
        if one.second in known and said.get((one.first, one.second), 0) != one.unexplained:
            found.append(f"{said.get((one.first, one.second), 0)} unexplained updates between records {one.first} and "
                         f"{one.second}, not {one.unexplained}")
    return found


def misplaced(answer: Answer, expected: Expected, start: int = -1) -> list[str]:
    """Are the sizes where they belong? Intervals between records that no kernel made count for the next true one."""
    found = []
    intervals = [one for one in answer.data["intervals"] if one["to"] is not None]
    for told in expected.told:
        if told.index >= expected.low:
            break
        if told.index <= start:
            continue
        here = [one for one in intervals if start < one["to"] <= told.index]
        if not here:
            start = told.index
            continue
        said = {"lost": sum(one["lost"] + one["lost_handover"] for one in here),
                "dropped": sum(one["dropped"] for one in here), "failed": sum(one["failed"] for one in here)}
        for name, value in said.items():
            right = getattr(told, name)
            if value != right and not (name == "lost" and (expected.unsized or right - told.masked <= value <= right)):
                found.append(f"{value} {name} up to record {told.index}, not {right}")
        start = told.index
    return found


def wrong_answers(library: Library, parts: Sequence[Sequence[Shown]], quote: Quote, expected: Expected,
                  forms: Sequence[Form] = FORMS) -> list[tuple[Form, list[str], Answer]]:
    """Ask in each form; return what is wrong."""
    found = []
    plain = is_plain_in_ascii(parts)
    for form in forms:
        if form.ascii and not plain:
            continue
        if (form.parts and len(parts) < 2) or (quote.has_copy and not form.parts):
            continue
        if form.quoted and len(set(quote.positions.values())) > 1:
            # A quote is of one moment
            continue
        answer = library.verify(rendered(parts, form) or [b""], quote.pcrs, how=form.how, ima_pcr=quote.ima_pcr,
                                counter=quote.counter if form.counter else None,
                                starts=quote.starts if form.quoted else None)
        wrong = problems(answer, expected)
        if wrong:
            found.append((form, wrong, answer))
    return found


def copy_problems(plain: Answer, answer: Answer, shown: Sequence[Shown], runs: Sequence[Sequence[Shown]],
                  quote: Quote) -> list[str]:
    """What is wrong with an answer for a list with a copy, where @plain is the one without."""
    if answer.data.get("copy") != "used":
        changed = {name for name in plain.data if name != "copy" and plain.data[name] != answer.data.get(name)}
        return [f"the copy is not used, and changes {', '.join(sorted(changed))}"] if changed else []
    found = []
    if plain.verdict in (COMPLETE, NOT_COUNTED):
        found.append("the copy is used, although nothing is missing")
    if answer.verdict not in (COMPLETE, NOT_COUNTED) and (answer.verdict != INCOMPLETE or answer.data["lost"]):
        found.append(f"{answer.verdict}, although the copy is used")
    # What the PCR was extended with in truth, and whatever could be put together to a list
    extended = [collections.Counter(quote.log[-1][:position.count]) for position in quote.positions.values()]
    every = [one.wire for one in shown] + [one.wire for run in runs for one in run]
    # What this event says follows from the other entries
    every += [entry.wire for entry in quote.master if entry.wire.name == b"kexec_execute"]
    there = collections.Counter(wire.key for wire in every if wire.pcr == quote.ima_pcr)
    if all(one - there for one in extended):
        found.append("the copy completes a list of which entries are nowhere")
    lengths = {after for *_, after in answer.data["targets"] if after}
    if all(wire.pcr == quote.ima_pcr for wire in every) and not lengths & {one.total() for one in extended}:
        found.append(f"the list has {lengths} entries, not what was extended")
    if answer.data["put_back"] < 1:
        found.append("nothing was put back")
    return found


@dataclass(frozen=True)
class Step:
    """A list as it is shown at one quote."""
    parts: Sequence[Sequence[Shown]]
    quote: Quote
    expected: Expected


def wrong_in_steps(library: Library, steps: Sequence[Step],
                   ascii_too: bool = False) -> list[tuple[Step, Form, list[str], Answer]]:
    """Verify a list at each quote, each time from the state of the last time."""
    found: list[tuple[Step, Form, list[str], Answer]] = []
    state = None
    form = Form("state, ascii" if ascii_too else "state", ascii=ascii_too, how=FILE, parts=True)
    for number, step in enumerate(steps):
        if ascii_too and not is_plain_in_ascii(step.parts):
            continue
        answer = library.verify(rendered(step.parts, form) or [b""], step.quote.pcrs, how=FILE,
                                ima_pcr=step.quote.ima_pcr, state=state, keep_state=True)
        wrong = [f"step {number}: {one}" for one in stepwise_problems(answer, step.expected)]
        if wrong:
            found.append((step, form, wrong, answer))
        # The command does not keep the state of a list that does not verify
        if answer.verdict not in REFUSED and answer.state:
            state = answer.state
    return found


def stepwise_problems(answer: Answer, expected: Expected) -> list[str]:
    """Intervals that the state covers are not repeated, so only totals are compared."""
    found = problems(answer, expected)
    if answer.data.get("resumption") == "resumed":
        found = [one for one in found if " up to record " not in one and " between records " not in one]
    return found


__all__ = ["COMPLETE", "ERROR", "FORMS", "INCOMPLETE", "MISMATCH", "NOT_COUNTED", "REFUSED", "Form",
           "problems", "rendered", "wrong_answers", "wrong_in_steps"]
