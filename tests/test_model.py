# SPDX-License-Identifier: GPL-2.0-only
"""The model of a measured machine is right where it can be compared with real machines, and notices wrong answers."""

from dataclasses import replace

import pytest

from lab.verifier import VECTORS
from model import cases, check, real, strategies
from model.driver import Answer
from model.machine import Operation, Setup
from model.operations import Drop, Kexec, Load, Measure, Request, TakeQuote
from model.kernel import Boot
from model.truth import Expected, judge, shown

pytestmark = pytest.mark.quick

NAMES = sorted(path.parent.name for path in VECTORS.glob("*/list"))
BANKS = strategies.BANKS[:2]


@pytest.mark.parametrize("name", NAMES)
def test_the_model_writes_entries_as_the_kernel_does(name):
    folder = VECTORS / name
    entries = real.parsed((folder / "list").read_bytes())
    assert b"".join(entry.binary() for entry in entries) == (folder / "list").read_bytes()
    text = folder / "list.ascii"
    if text.exists():
        assert b"".join(entry.ascii() for entry in entries) == text.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_model_extends_as_a_tpm_does(name):
    """Each record's values are those of the entries before it, where nothing is missing."""
    folder = VECTORS / name
    entries = real.parsed((folder / "list").read_bytes())
    agreed, differing = real.agreement(entries)
    complete = '"verdict": "complete' in (folder / "result.json").read_text(encoding="utf-8").replace('":"', '": "')
    if complete:
        assert not differing
        assert real.leads_to(entries, (folder / "pcrs").read_text(encoding="ascii"))
    assert agreed or name in ("no-records", "deleted")


@pytest.mark.parametrize("name", NAMES)
def test_records_of_the_model_have_keys_of_the_kernel(name):
    """In the same order."""
    known = real.keys_of_the_model()
    for text in real.records(real.parsed((VECTORS / name / "list").read_bytes())):
        keys = [pair.split("=")[0] for pair in text.split(";")[:-1]]
        assert keys == [key for key in known if key in keys]


def truth_of(*operations: Operation) -> Expected:
    history = (Setup(BANKS), list(operations), TakeQuote())
    quote = cases.lived(history).quotes[-1]
    return judge([one for part in quote.parts for one in shown(part)], quote)


def right_answer(expected: Expected) -> Answer:
    """As the verifier would give it."""
    assert expected.lost and expected.dropped and expected.failed
    (verdict,), (lost,), (dropped,) = expected.verdicts, expected.lost, expected.dropped
    failed = min(expected.failed)
    starts = [None, *(told.index for told in expected.told)]
    intervals = [{"from": start, "to": told.index, "lost": told.lost, "lost_handover": 0, "dropped": told.dropped,
                  "failed": told.failed, "kernel": expected.counts[told.index].kernel} for start, told in zip(starts, expected.told)]
    return Answer({"verdict": verdict, "lost": lost, "dropped": dropped, "failed": failed, "kernels": expected.kernels,
                   "intervals": intervals, "findings": [], "restarted": verdict == check.INCOMPLETE}, None)


def test_truth_of_a_machine_without_trouble():
    expected = truth_of(Measure(3), Request(), Kexec(Boot(late=True)), Measure())
    assert expected.verdicts == {check.COMPLETE}
    assert not check.problems(right_answer(expected), expected)


def with_losses() -> Expected:
    """Two measurements are dropped, an extend fails, and three entries do not fit the segment."""
    return truth_of(Measure(2), Drop(2), Request(), Measure(fault="refused"), Request(), Load(room=0), Measure(3),
                    Kexec(Boot()), Measure())


def test_truth_of_a_machine_with_losses():
    answer = right_answer(with_losses())
    assert not check.problems(answer, with_losses())
    assert answer.verdict == check.INCOMPLETE
    assert [answer.data[name] for name in ("lost", "dropped", "failed")] == [3, 2, 1]


@pytest.mark.parametrize("name,value", [("verdict", "complete"), ("verdict", "mismatch"), ("verdict", "error"),
                                        ("lost", 0), ("lost", 4), ("dropped", 0), ("failed", 0)])
def test_a_wrong_answer_is_noticed(name, value):
    answer = right_answer(with_losses())
    assert check.problems(replace(answer, data={**answer.data, name: value}), with_losses())


@pytest.mark.parametrize("name", ["lost", "dropped", "failed"])
def test_a_misplaced_loss_is_noticed(name):
    answer = right_answer(with_losses())
    counts = [one[name] for one in answer.data["intervals"]]
    moved = [{**one, name: count} for one, count in zip(answer.data["intervals"], counts[-1:] + counts[:-1])]
    assert check.problems(replace(answer, data={**answer.data, "intervals": moved}), with_losses())


def two_gaps() -> Expected:
    """Of a list that somebody may have changed: three entries lost in the first kernel, four in the second."""
    gap = (Load(room=0), Measure(3), Kexec(Boot()))
    return replace(truth_of(*gap, Measure(), Load(room=0), Measure(4), Drop(1), Kexec(Boot()), Measure()), forged=True)


def with_counts(answer: Answer, record: int, name: str, count: int, unproved: int | None) -> Answer:
    """The same answer, with another count at a record; it says that nothing proves the kernels before @unproved."""
    intervals = [{**one, name: count if one["to"] == record else one[name]} for one in answer.data["intervals"]]
    findings = [{"kind": "records_not_proved", "to": ["record", unproved, 2]}] if unproved else []
    return replace(answer, data={**answer.data, "intervals": intervals, "findings": findings,
                                 name: sum(one[name] for one in intervals)})


def test_sizes_that_the_answer_calls_unproved_may_be_made_up():
    expected = two_gaps()
    answer = right_answer(expected)
    first, second = (one.index for one in expected.told if one.lost)
    assert not check.problems(answer, expected)
    for name in ("lost", "dropped"):
        assert check.problems(with_counts(answer, first, name, 5, None), expected)
        assert not check.problems(with_counts(answer, first, name, 5, second), expected)
    assert check.problems(with_counts(answer, first, "lost", 5, second), replace(expected, forged=False))


def test_the_record_after_a_gap_proves_the_counts_of_its_kernel():
    expected = two_gaps()
    answer = right_answer(expected)
    second = [one.index for one in expected.told if one.lost][-1]
    assert not check.problems(with_counts(answer, second, "dropped", 1, second), expected)
    for name, wrong in (("lost", 0), ("dropped", 0), ("failed", 1)):
        assert check.problems(with_counts(answer, second, name, wrong, second), expected), name


def test_a_replay_that_went_on_from_a_record_is_never_complete():
    expected = truth_of(Measure())
    answer = right_answer(expected)
    assert check.problems(replace(answer, data={**answer.data, "restarted": True}), expected)
