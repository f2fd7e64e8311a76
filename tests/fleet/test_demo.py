# SPDX-License-Identifier: GPL-2.0-only
"""The demo with virtual machines."""

import re
import subprocess
from pathlib import Path

import pytest

from lab.paths import TOP

# It builds a kernel of its own
pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().decode(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What it printed, and its folder."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run([TOP / "scripts" / "demo-fleet", "--out", out], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, out


def test_machines_that_lose_entries_and_fall_silent_are_seen(demo):
    text, _ = demo
    rows = re.findall("^([a-z0-9]+) +([a-z]+) .*$", text, re.M)
    assert rows == [("silent", "silent"), ("loses", "incomplete"), ("host1", "complete"), ("host2", "complete")], text


def test_loss_is_counted(demo):
    text, out = demo
    lost = int(re.search("^loses +incomplete +[0-9]+ [a-z]+ +[0-9]+ +([0-9]+)", text, re.M)[1])
    assert 100 < lost < 200
    assert f">{lost}</td>" in (out / "fleet.html").read_text(encoding="utf-8")


def test_nothing_is_left_running(demo):
    _, out = demo
    assert not [line for line in command_lines() if str(out) in line]
