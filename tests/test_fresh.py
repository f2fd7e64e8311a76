# SPDX-License-Identifier: GPL-2.0-only
"""The README's commands on a fresh machine. "make check-fresh SUITE=trixie" runs these alone.

Each takes as long as a first run does: an hour when nothing is cached. The output is in build/check/fresh/SUITE.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import fresh
from lab.paths import BUILD

pytestmark = [pytest.mark.full, pytest.mark.timeout(0)]


@pytest.fixture(scope="module", params=[pytest.param(suite, marks=pytest.mark.xdist_group(f"fresh-{suite}"))
                                        for suite in fresh.SUITES])
def suite(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def root(suite: str) -> Iterator[Path]:
    with fresh.machine(suite) as path:
        yield path


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])


COMMANDS = {
    "verdict": "scripts/deps verifier && make -C tools/ima && build/imatally --version",
    "demo": "make demo",
    "demo-fleet": "make demo-fleet",
    "check": "make check",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_fresh_machine_runs(suite: str, root: Path, name: str) -> None:
    log = BUILD / "check" / "fresh" / suite / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    status = fresh.run(suite, root, COMMANDS[name], log)
    assert status == 0, f"{COMMANDS[name]}, on a fresh {suite}: status {status}; the end of {log}:\n{last_lines(log)}"
