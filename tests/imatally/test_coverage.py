# SPDX-License-Identifier: GPL-2.0-only
"""The tests of the verifier run 95 % of its lines, in each file and in all, but for what coverage.exceptions explains."""

import sys
from pathlib import Path

import pytest

from lab import gcov
from lab.groups import once, settings
from lab.paths import TOP
from lab.verifier import COVERAGE
from patchset.console import Failed, run_long

MINIMUM = 95
EXCEPTIONS = dict(line.split(maxsplit=1) for line in
                  Path(__file__).with_name("coverage.exceptions").read_text(encoding="utf-8").splitlines()
                  if line and not line.startswith("#"))

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("coverage")]


def run_all() -> str:
    """Run the tests of this folder on the build that counts; what failed, or nothing."""
    COVERAGE.build_tests()
    gcov.clear()
    try:
        run_long("running the tests of the verifier on the build that counts",
                 [sys.executable, "-m", "pytest", Path(__file__).parent, "--verifier", COVERAGE.name, "-m", "quick",
                  "-p", "no:cacheprovider", "--out", settings.out / "coverage"], cwd=TOP)
    except Failed as error:
        return str(error)
    return ""


@pytest.fixture
def ran():
    return once("verifier's coverage", run_all)


@pytest.fixture
def lines(ran):
    return once("verifier's lines", lambda: {str(source): gcov.lines_of(source) for source in gcov.sources()})


def test_tests_pass_on_the_build_that_counts(ran):
    assert ran == ""


def said(found):
    return f"{found.run} of {found.all} lines, {found.percent:.1f} %"


@pytest.mark.parametrize("source", map(str, gcov.sources()))
def test_lines_of_a_file_run(lines, source):
    found = lines[source]
    assert found.percent >= MINIMUM or source in EXCEPTIONS, said(found)


def test_lines_of_all_files_run(lines):
    found = gcov.Lines(sum(file.run for file in lines.values()), sum(file.all for file in lines.values()))
    assert found.percent >= MINIMUM, said(found)


@pytest.mark.parametrize("source", EXCEPTIONS)
def test_exception_is_a_file(source):
    assert source in map(str, gcov.sources())
