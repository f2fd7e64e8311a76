# SPDX-License-Identifier: GPL-2.0-only
"""Progress on a long list: on a terminal only, and gone in the end."""

import os
import pty
import re
import subprocess
import time
from dataclasses import dataclass

import pytest

from lab import lists


@pytest.fixture(scope="module")
def measured(verifier, tmp_path_factory):
    """A long list with many records."""
    folder = tmp_path_factory.mktemp("long")
    like = lists.short(verifier, tmp_path_factory.mktemp("like"))
    return lists.long(verifier, folder, like.log, 6000, every=25)


@pytest.fixture(scope="module")
def answer(verifier, measured):
    return verifier.verify(measured.log, measured.pcrs)


@dataclass(frozen=True)
class Seen:
    status: int
    out: str
    # What was written to stderr
    shown: str


def run(verifier, measured, stderr, slow):
    """Exit status and answer; a slow list comes through a pipe, with a pause."""
    data = measured.log.read_bytes()
    with subprocess.Popen([verifier.binary, "verify", "-" if slow else measured.log, "--pcrs", measured.pcrs],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as child:
        os.close(stderr)
        if slow:
            child.stdin.write(data[:len(data) // 2])
            child.stdin.flush()
            time.sleep(1.2)
            child.stdin.write(data[len(data) // 2:])
        child.stdin.close()
        out = child.stdout.read().decode()
    return child.returncode, out


def shown(reader):
    """What can be read there until the other end is closed."""
    text = b""
    try:
        while chunk := os.read(reader, 4096):
            text += chunk
    except OSError:
        # A terminal's way to say so
        pass
    os.close(reader)
    return text.decode()


def on_terminal(verifier, measured, slow):
    terminal, stderr = pty.openpty()
    status, out = run(verifier, measured, stderr, slow)
    return Seen(status, out, shown(terminal))


def on_pipe(verifier, measured, slow):
    reader, stderr = os.pipe()
    status, out = run(verifier, measured, stderr, slow)
    return Seen(status, out, shown(reader))


@pytest.mark.parametrize("slow", [False, True], ids=["quick", "slow"])
def test_no_progress_without_a_terminal(verifier, measured, answer, slow):
    assert on_pipe(verifier, measured, slow) == Seen(0, answer.out, "")


def test_many_intervals_are_one_row_of_the_table(answer):
    assert answer.says(r"^  1 boot +5975 request +5974 +0 +11948 +11948 +0 +0  \(239 intervals\)$")
    assert len(answer.out.splitlines()) < 20, answer.out


def test_slow_list_shows_entries_and_size_and_then_nothing(verifier, measured, answer):
    seen = on_terminal(verifier, measured, slow=True)
    assert re.fullmatch(r"(\r\x1b\[K\d+ entries, \d+ MB)+\r\x1b\[K", seen.shown), repr(seen.shown)
    assert (seen.status, seen.out) == (0, answer.out)


def test_no_progress_on_a_quick_list(verifier, measured, answer):
    assert on_terminal(verifier, measured, slow=False) == Seen(0, answer.out, "")
