# SPDX-License-Identifier: GPL-2.0-only
"""Static checkers have nothing to say of the verifier's source."""

import pytest

from lab.groups import once
from lab.verifier import PLAIN, SOURCE
from patchset.console import run_long

# clang-tidy takes minutes, and more on a busy machine
pytestmark = [pytest.mark.check, pytest.mark.timeout(1800)]


@pytest.fixture
def generated():
    """What is compiled into the command and is not in the source is there."""
    once(("tests", PLAIN.name), PLAIN.build_tests)


@pytest.mark.parametrize("checker", ["cppcheck", "clang", "tidy"])
def test_has_nothing_to_say(generated, checker):
    # Not PLAIN.make(), since builds need not wait for it
    run_long(f"checking the verifier with {checker}", ["make", "--no-print-directory", "-C", SOURCE, f"lint-{checker}"])
