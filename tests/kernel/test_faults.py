# SPDX-License-Identifier: GPL-2.0-only
"""The TPM fails, or somebody else uses it: the rows of tests/fault-rows."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import faults, vm
from lab.faults import Outcome
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST, TOP

ROWS = {row.name: row for row in faults.read(TOP / "tests" / "fault-rows")}


@dataclass(frozen=True)
class Faults(Group):
    """A VM, and the tag of those rows that it runs."""

    tag: str = ""
    banks: str = "sha1,sha256"
    timeout: float = 300
    # Seconds of standing still before the machine is asked why
    patience: float = 30


GROUPS = [
    Faults("fault_one_bank", tag="banks", banks="sha256"),
    Faults("fault_two_banks", tag="all"),
    Faults("fault_four_banks", tag="banks", banks="sha1,sha256,sha384,sha512"),
    Faults("fault_hmac", tag="hmac", config="vm,hmac"),
    Faults("fault_slow", tag="slow"),
]


def rows(group: Faults) -> list[str]:
    return [row.name for row in faults.tagged(ROWS.values(), group.tag)]


@dataclass(frozen=True)
class Run:
    result: vm.Result
    out: Path
    outcomes: dict[str, Outcome]


@pytest.fixture
def ran(group: Faults, kernel: Build, imatally: Path) -> Run:
    def boot() -> Run:
        out = group.fresh_folder()
        own = faults.tagged(ROWS.values(), group.tag)
        (out / "rows").write_text(faults.for_the_guest(own), encoding="utf-8")
        result = vm.run(vm.Machine(kernel.image, out, GUEST / "faults.sh", banks=group.banks, faults=True,
                                   append=vm.TCB, timeout=group.timeout, patience=group.patience))
        return Run(result, out, faults.outcomes(own, out))

    return once(group.id, boot)


@pytest.mark.groups(GROUPS, rows)
def test_fault(ran: Run, line: str) -> None:
    """The records and the verifier say about a fault what the table says."""
    assert line in ran.outcomes, f"the guest did not get there; status {ran.result.status} {ran.result.said}"
    outcome = ran.outcomes[line]
    print(outcome.records)
    assert outcome.differences(ROWS[line]) == []


@pytest.mark.groups([group for group in GROUPS if group.tag in ("hmac", "slow")], rows)
def test_lost_answer_costs_seconds_and_not_minutes(ran: Run, line: str) -> None:
    """The driver waits 1.5 s, and not its default of two minutes; the rest is for a slow machine."""
    began, ended = (float((ran.out / line / name).read_text(encoding="utf-8")) for name in ("began", "ended"))
    assert ended - began < 20


@pytest.mark.groups(GROUPS)
def test_each_fault_happened(ran: Run) -> None:
    assert ran.result.status == 0, ran.result.said
    wanted = (ran.out / "faults").read_text(encoding="utf-8").splitlines()
    assert sorted(faults.happened(ran.out / "commands")) == sorted(wanted)


@pytest.mark.quick
def test_each_row_is_run_by_a_group() -> None:
    assert {tag for row in ROWS.values() for tag in row.tags.split()} == {group.tag for group in GROUPS}
