# SPDX-License-Identifier: GPL-2.0-only
"""Tests of a fleet, with a real nats-server on this machine."""

import shutil

import pytest

from lab import verifier as builds
from lab.fleet import Fleet
from lab.groups import once


@pytest.fixture(scope="session")
def verifier():
    for program in ("nats-server", "swtpm", "swtpm_setup", "tpm2_pcrextend"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    once(("tests", builds.PLAIN.name), builds.PLAIN.build_tests)
    return builds.PLAIN


@pytest.fixture
def fleet(verifier, tmp_path):
    with Fleet(verifier, tmp_path / "fleet") as fleet:
        yield fleet


@pytest.fixture(scope="module")
def shared(verifier, tmp_path_factory):
    """A fleet with a verifier that the tests of a module share; each adds hosts of its own."""
    with Fleet(verifier, tmp_path_factory.mktemp("fleet") / "fleet") as fleet:
        fleet.start_verifier()
        yield fleet
