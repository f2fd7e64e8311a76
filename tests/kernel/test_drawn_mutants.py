# SPDX-License-Identifier: GPL-2.0-only
"""
The tests notice nearly every small edit of the kernel code, and of each other one tests/mutants.explained says why.

Mutants are made by operators (lab/operators.py) on the lines that the series adds to functions, and drawn at random. One
that does not compile, or whose object code is the same, is none. MUTANTS_DRAWN=N and MUTANTS_SEED=N choose how many and
which. A mutant is tried by the tests that its file is likely to fail, the fastest ones first, until one fails. What came
of each is remembered until the series, the tests or the verifier change.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import coverage, kernel, operators
from lab.built import digest
from lab.groups import Group, once
from lab.laboratory import Laboratory
from lab.operators import Change
from lab.paths import TOP
from patchset.console import Failed, say

# The base that has most of the code; the other one shares it
DRAWN = [Group("drawn_mutants", "full", bases=("7.3",))]
COUNT = int(os.environ.get("MUTANTS_DRAWN", "200"))
SEED = int(os.environ.get("MUTANTS_SEED", "1"))
LEAST = 95
"""Per cent that are caught."""

STAGES = {
    "drivers/char/tpm/": (
        "kunit_boot", "kunit_hmac_boot", "commands_two_banks", "banks_sha1_sha256", "fault_two_banks or fault_hmac",
        "test_boot_faults and not at_any_command", "banks_four or no_tpm or tpm12"),
    "": (
        "kunit_boot", "banks_sha1_sha256", "test_kexec and not option_off", "no_tpm or no_rule or policy_",
        "unread or (resume or suspend_given_up or deletion) and not kunit", "fault_two_banks or fault_kexec_in_flight",
        "test_boot_faults and not at_any_command", "load_two_banks", "debug_memory and not of_loads"),
}
"""The tests to try one after another, as for pytest -k, by the beginning of a file's name."""

CONFIGS = ("vm", "vm,hmac")
OBJECTS = ("drivers/char/tpm/", "security/integrity/ima/", "kernel/kexec_core.o", "kernel/kexec_file.o")

UNCOMPILED, SAME, SURVIVED, CAUGHT = "does not compile", "the same object code", "survived", "caught"


@dataclass(frozen=True)
class Explanation:
    """Why an operator changes nothing on the lines of a function that contain a text."""

    file: str
    function: str
    operator: str
    text: str
    why: str

    def is_of(self, change: Change) -> bool:
        return (self.file, self.function, self.operator) == (change.file, change.function, change.operator) and \
            self.text in change.source


def explanations(path: Path) -> list[Explanation]:
    return [Explanation(*(part.strip() for part in line.split("|", 4)))
            for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]


def all_changes(checkout: Path, base: str) -> list[Change]:
    lines: dict[str, set[int]] = {}
    for file, number in coverage.added_lines(checkout, base):
        lines.setdefault(file, set()).add(number)
    return [change for file in sorted(lines)
            for change in operators.changes(file, (checkout / file).read_text(encoding="utf-8"), lines[file])]


class Trials:
    """Tries mutants in one checkout."""

    def __init__(self, laboratory: Laboratory, out: Path):
        self.laboratory, self.out = laboratory, out
        self.builds = [kernel.build(laboratory.base, config, checkout=laboratory.checkout) for config in CONFIGS]
        self.objects = self.compiled()

    def compiled(self) -> list[str]:
        """A digest of what each configuration has of the touched files."""
        found = []
        for build in self.builds:
            kernel.make(build.tree, build.obj, "-s", *OBJECTS)
            files = [file for name in OBJECTS for file in sorted(build.obj.glob(f"{name}*.o" if name[-1] == "/" else name))]
            found.append(digest(*(file.read_bytes() for file in files)))
        return found

    def of(self, change: Change) -> str:
        """What comes of a mutant."""
        known = self.laboratory.known / f"drawn-{digest(repr(change))[:16]}"
        if known.exists():
            tests, _, outcome = known.read_text(encoding="utf-8").partition("\n")
            if tests == self.laboratory.tests:
                return outcome
        change.apply(self.laboratory.checkout)
        try:
            outcome = self.outcome(change)
        finally:
            self.laboratory.mend()
        known.write_text(f"{self.laboratory.tests}\n{outcome}", encoding="utf-8")
        return outcome

    def outcome(self, change: Change) -> str:
        try:
            if self.compiled() == self.objects:
                return SAME
        except Failed as error:
            if re.search(r"\berror:", str(error)):
                return UNCOMPILED
            raise
        stages = next(stages for start, stages in STAGES.items() if change.file.startswith(start))
        for stage in stages:
            done = self.laboratory.run(stage, self.out / "run", "--exitfirst")
            assert done.passed or done.failed, f"{change} does not build or run:\n{done.output}"
            if done.failed:
                return f"{CAUGHT} by {done.failed[0]}"
        return SURVIVED


@dataclass(frozen=True)
class Outcome:
    change: Change
    said: str

    @property
    def is_caught(self) -> bool:
        return self.said.startswith(CAUGHT)


def table(outcomes: Iterable[Outcome]) -> str:
    return "".join(f"{outcome.change}: {outcome.said}\n" for outcome in outcomes)


@pytest.fixture
def outcomes(group: Group, selftest_programs: Path, imatally: Path) -> list[Outcome]:
    """Of those mutants that are some."""
    def run() -> list[Outcome]:
        folder = group.fresh_folder()
        laboratory = Laboratory(group.base, group.name)
        for stage in dict.fromkeys(stage for stages in STAGES.values() for stage in stages):
            laboratory.unbroken(stage, folder / "unbroken")
        laboratory.mend()
        trials = Trials(laboratory, folder)
        changes = all_changes(laboratory.checkout, group.base)
        random.Random(SEED).shuffle(changes)
        tried: list[Outcome] = []
        for change in changes:
            if len(tried) == COUNT:
                break
            outcome = Outcome(change, trials.of(change))
            say(f"{len(tried)} of {COUNT}: {outcome.change}: {outcome.said}")
            if outcome.said not in (UNCOMPILED, SAME):
                tried.append(outcome)
            (folder / "table").write_text(table(tried), encoding="utf-8")
        return tried

    return once(group.id, run)


@pytest.mark.timeout(0)
@pytest.mark.groups(DRAWN)
def test_nearly_all_are_caught(outcomes: list[Outcome]) -> None:
    print(table(outcomes))
    count = Counter(outcome.is_caught for outcome in outcomes)
    assert 100 * count[True] >= LEAST * len(outcomes), f"{count[False]} of {len(outcomes)} survived"


@pytest.mark.timeout(0)
@pytest.mark.groups(DRAWN)
def test_each_survivor_is_explained(outcomes: list[Outcome]) -> None:
    explained = explanations(TOP / "tests" / "mutants.explained")
    survivors = [outcome.change for outcome in outcomes if not outcome.is_caught]
    assert [str(change) for change in survivors if not any(why.is_of(change) for why in explained)] == []
