# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzers find nothing: FUZZ_SECONDS for all of them together, 60 by default."""

import os

import pytest

from lab.groups import once
from lab.verifier import FUZZERS, SOURCE

SECONDS = int(os.environ.get("FUZZ_SECONDS") or 60)
NAMES = sorted(path.stem for path in (SOURCE / "fuzz").glob("fuzz_*.c"))

pytestmark = pytest.mark.check


@pytest.fixture(scope="session")
def fuzzers():
    once("fuzzers", lambda: FUZZERS.make("building the fuzzers", "fuzzers"))


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("name", NAMES)
def test_finds_nothing(fuzzers, name):
    FUZZERS.make(f"running {name}", f"run-{name}", f"FUZZ_SECONDS={SECONDS}")
