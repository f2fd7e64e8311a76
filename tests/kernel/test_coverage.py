# SPDX-License-Identifier: GPL-2.0-only
"""
Nearly all lines of the series run in a test, and of each other line tests/coverage.explained says why it does not.

The tests that boot a kernel are run on one that counts which lines run. Whether they pass there is not asked: they have
passed on a kernel that does not count.
"""

from pathlib import Path

import pytest

from lab import coverage, session
from lab.coverage import Coverage
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import TOP

COVERAGE = [Group("kernel_coverage", "full", config="vm,gcov")]
LEAST = 95
"""Per cent of the lines."""


@pytest.fixture
def measured(group: Group, kernel: Build, selftest_programs: Path, imatally: Path) -> Coverage:
    def measure() -> Coverage:
        out = group.fresh_folder()
        session.run("not debug and not evidence", out / "run", "-m", "quick or check", "--base", group.base,
                    "--config", "vm,gcov")
        # Memory runs out there. The configuration of its group can't be counted.
        session.run("debug_memory and not of_loads", out / "run-memory", "--base", group.base, "--kernel", kernel.image)
        explained = coverage.explanations(TOP / "tests" / "coverage.explained")
        found = coverage.measure(kernel.tree, group.base, out, explained)
        (out / "table").write_text(found.table(), encoding="utf-8")
        return found

    return once(group.id, measure)


@pytest.mark.groups(COVERAGE)
def test_nearly_all_lines_run(measured: Coverage) -> None:
    assert measured.lines, "nothing was counted"
    print(measured.table())
    assert measured.share >= LEAST


@pytest.mark.groups(COVERAGE)
def test_each_line_that_does_not_run_is_explained(measured: Coverage) -> None:
    assert measured.unexplained == []
