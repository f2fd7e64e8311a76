# SPDX-License-Identifier: GPL-2.0-only
"""imatally watch asks for records at its rhythm; a pipe takes the place of the kernel's file."""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.verifier import Verifier

# In which it ends when it can't go on
SECONDS = 10


@dataclass
class Watch:
    """The command, on a folder in place of securityfs's."""
    verifier: Verifier
    ima: Path
    process: subprocess.Popen | None = None
    pipe: int = -1
    part: bytes = field(default=b"")

    @property
    def update_counter(self):
        return self.ima / "update_counter"

    @property
    def count(self):
        return self.ima / "runtime_measurements_count"

    def start(self, *options):
        self.process = subprocess.Popen([self.verifier.binary, "watch", "--ima", self.ima, *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)

    def ends(self, *reasons):
        """With status 3, soon, and each reason reported once."""
        _, err = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 3, err
        assert [err.count(reason) for reason in reasons] == [1] * len(reasons), err

    def counted(self, text):
        """The number of entries, which is never half written."""
        fresh = self.ima / "fresh"
        fresh.write_text(f"{text}\n", encoding="ascii")
        fresh.replace(self.count)

    def open(self):
        os.mkfifo(self.update_counter)
        self.pipe = os.open(self.update_counter, os.O_RDWR | os.O_NONBLOCK)

    def requests(self, seconds):
        """How many records are asked for in that time, in which a line may be half written."""
        end, found = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.pipe], [], [], left)[0]:
                break
            *lines, self.part = (self.part + os.read(self.pipe, 4096)).split(b"\n")
            assert lines == [b"1"] * len(lines)
            found += len(lines)
        return found

    def first_request(self):
        """Wait for it: nothing is promised on how long the program takes to start."""
        assert select.select([self.pipe], [], [], SECONDS)[0]


@pytest.fixture
def watch(verifier, tmp_path):
    found = Watch(verifier, tmp_path)
    yield found
    if found.process:
        # In this order: SIGCONT takes back a SIGSTOP that is pending, such as the one by which LeakSanitizer
        # stops a program that ends, and for which it waits without a limit
        found.process.send_signal(signal.SIGCONT)
        found.process.terminate()
        found.process.communicate(timeout=SECONDS)
        found.process.stderr.close()
    if found.pipe >= 0:
        os.close(found.pipe)


# ---- What it can't go on with

def test_ends_without_the_kernels_file(watch):
    watch.start("--interval", "1")
    watch.ends("update_counter is missing")


# What is wrong with a record may pass; without a number there is no rhythm
def test_ends_without_the_number_of_entries(watch):
    watch.update_counter.mkdir()
    watch.start("--every", "1")
    watch.ends("update_counter: Is a directory", "runtime_measurements_count: No such file")


@pytest.mark.parametrize("number", ["many", "-1"])
def test_ends_where_the_number_of_entries_is_not_a_number(watch, number):
    watch.update_counter.symlink_to("/dev/full")
    watch.counted(number)
    watch.start("--every", "1")
    watch.ends("update_counter: No space left", "runtime_measurements_count: not a number")


def test_has_help(verifier):
    answer = verifier.call("watch", "--help")
    assert answer.status == 0 and answer.out.startswith("Usage: imatally watch")


@pytest.mark.parametrize("options", ["", "--interval 0", "--interval 1s", "--every -1", "--every", "--often 1",
                                     "--interval 1 --every 1", "--interval 1 x"])
def test_bad_usage_is_refused(verifier, options):
    assert verifier.call("watch", *options.split()).status == 3


# ---- By time

def test_asks_once_a_second(watch):
    watch.open()
    watch.start("--interval", "1")
    watch.first_request()
    assert 3 <= watch.requests(3.5) <= 5


def test_does_not_make_up_for_time_in_which_it_was_stopped(watch):
    watch.open()
    watch.start("--interval", "1")
    watch.first_request()
    watch.process.send_signal(signal.SIGSTOP)
    watch.requests(0.2)
    time.sleep(5)
    watch.process.send_signal(signal.SIGCONT)
    assert 1 <= watch.requests(1.5) <= 3


def test_ends_when_the_kernels_file_goes(watch):
    watch.open()
    watch.start("--interval", "1")
    watch.first_request()
    watch.update_counter.rename(watch.ima / "moved")
    watch.ends("update_counter is missing")


# ---- By entries

@pytest.fixture
def every_ten(watch):
    """Asks for one at the start, which is waited for, at 100 entries, and then as entries come."""
    watch.open()
    watch.counted(100)
    watch.start("--every", "10")
    watch.first_request()
    return watch


def test_asks_once_while_no_entry_comes(every_ten):
    assert every_ten.requests(2.5) == 1


def test_does_not_ask_before_the_tenth_entry(every_ten):
    every_ten.requests(0.5)
    every_ten.counted(109)
    assert every_ten.requests(2.5) == 0


def test_asks_at_the_tenth_entry(every_ten):
    every_ten.requests(0.5)
    every_ten.counted(110)
    assert every_ten.requests(2.5) == 1


def test_goes_on_when_entries_are_deleted(every_ten):
    every_ten.requests(0.5)
    every_ten.counted(0)
    assert every_ten.requests(2.5) == 0
    every_ten.counted(9)
    assert every_ten.requests(2.5) == 0
    every_ten.counted(10)
    assert every_ten.requests(2.5) == 1


def test_counts_what_came_before_entries_are_deleted(every_ten):
    every_ten.requests(0.5)
    every_ten.counted(105)
    assert every_ten.requests(2.5) == 0
    every_ten.counted(5)
    assert every_ten.requests(2.5) == 1


def test_ends_when_the_number_of_entries_goes(every_ten):
    every_ten.requests(0.5)
    every_ten.count.unlink()
    every_ten.ends("runtime_measurements_count: No such file")
