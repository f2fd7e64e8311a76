# SPDX-License-Identifier: GPL-2.0-only
"""imatally watch --keep: its copy has what the list had, whatever happens to the process; files stand in for the kernel's."""

import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from model import entries

IMA_PCR = 10


def made(first, count, size=20):
    """Whole entries, in binary."""
    return [entries.of_buffer(IMA_PCR, b"e%d" % n, b"x" * size).binary() for n in range(first, first + count)]


class Kept:
    """The command, a list that it copies, and the copy."""

    def __init__(self, verifier, folder):
        self.verifier, self.ima, self.copy = verifier, folder / "ima", folder / "copy"
        self.ima.mkdir()
        self.process = None

    def list(self, have, staged=None):
        """What the kernel has. Only whole entries are ever there."""
        for name, content in (("binary_runtime_measurements", b"".join(have)),
                              ("binary_runtime_measurements_staged", None if staged is None else b"".join(staged)),
                              ("runtime_measurements_count", b"%d\n" % len(have))):
            if content is not None:
                (self.ima / "fresh").write_bytes(content)
                (self.ima / "fresh").replace(self.ima / name)

    def start(self, *options):
        self.process = subprocess.Popen(
            [self.verifier.binary, "watch", "--ima", self.ima, "--keep", self.copy, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def first_copy(self):
        """What it says once there is a copy on the disk."""
        return self.process.stdout.readline()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=60)
        return out, err

    def copies(self, have, *options):
        """Start, and stop once the list is copied."""
        self.list(have)
        self.start(*options)
        said = self.first_copy()
        out, err = self.stop()
        assert (self.process.returncode, err) == (0, "")
        return said, out

    @property
    def files(self):
        return sorted(self.copy.iterdir())

    def runs(self):
        found: dict[str, list[bytes]] = {}
        for file in self.files:
            found.setdefault(file.name.split("-")[0], []).append(file.read_bytes())
        return [b"".join(pieces) for _, pieces in sorted(found.items())]


@pytest.fixture
def kept(verifier, tmp_path):
    found = Kept(verifier, tmp_path)
    yield found
    if found.process and found.process.poll() is None:
        found.process.kill()
    if found.process:
        found.process.communicate()


# ---- What is copied

def test_copies_the_list_as_it_is(kept):
    have = made(0, 50)
    said, out = kept.copies(have)
    assert said == out == f"50 entries kept in {kept.copy}\n"
    assert kept.runs() == [b"".join(have)]


def test_takes_a_last_copy_at_the_end(kept):
    have = made(0, 50)
    kept.list(have[:10])
    kept.start()
    kept.first_copy()
    kept.list(have)
    out, err = kept.stop()
    assert (out, err) == (f"50 entries kept in {kept.copy}\n", "")
    assert kept.runs() == [b"".join(have)]


def test_copies_what_is_new_once_a_second(kept):
    have = made(0, 50)
    kept.list(have[:10])
    kept.start()
    kept.first_copy()
    kept.list(have)
    end = time.monotonic() + 30
    while kept.runs() != [b"".join(have)]:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_goes_on_where_the_last_process_ended(kept):
    have = made(0, 50)
    kept.copies(have[:20])
    kept.copies(have)
    assert kept.runs() == [b"".join(have)]
    assert len(kept.files) == 1


def test_other_users_cannot_read_it(kept):
    kept.copies(made(0, 1))
    assert [path.stat().st_mode & 0o777 for path in (kept.copy, *kept.files)] == [0o700, 0o600]


def test_staged_entries_come_first(kept):
    have = made(0, 30)
    kept.list(have[20:], staged=have[:20])
    kept.start()
    assert kept.first_copy() == f"30 entries kept in {kept.copy}\n"
    # they are deleted, and others came
    kept.list(have[20:] + made(30, 5), staged=[])
    kept.stop()
    assert kept.runs() == [b"".join(made(0, 35))]


@pytest.mark.parametrize("gone", [1, 19, 20])
def test_deleted_entries_stay_in_the_copy(kept, gone):
    """Whether the process has run all the time or not; unless all that it would know again is gone."""
    have = made(0, 30)
    kept.copies(have[:20])
    kept.list(have[:20])
    kept.start()
    kept.first_copy()
    kept.list(have[gone:])
    kept.stop()
    assert kept.runs() == [b"".join(have)]
    kept.copies(have[gone + 5:] + made(30, 5))
    assert kept.runs() == [b"".join(made(0, 35))]


def test_entries_that_repeat_are_all_copied(kept):
    same = made(0, 1) * 7
    kept.copies(same + made(1, 1) + same)
    kept.copies(same + made(1, 1) + same + same + made(2, 1))
    assert kept.runs() == [b"".join(same + made(1, 1) + same + same + made(2, 1))]


def test_another_list_is_another_run(kept):
    """After a reboot, and after a kexec that cut."""
    first, cut, rebooted = made(0, 20), made(0, 10) + made(100, 5), made(200, 3)
    for have in (first, cut, rebooted):
        kept.copies(have)
    assert kept.runs() == [b"".join(first), b"".join(cut), b"".join(rebooted)]


# ---- What can happen to the process

def test_is_a_clean_prefix_whenever_it_is_killed(kept):
    have, chosen = made(0, 3000, size=300), random.Random(18)
    whole, end = b"".join(have), 0
    for _ in range(25):
        end += chosen.randrange(1, 120)
        kept.list(have[:end])
        kept.start()
        time.sleep(chosen.random() * 0.03)
        kept.stop(signal.SIGKILL)
        if kept.copy.exists():
            assert whole.startswith(b"".join(kept.runs()))
    kept.copies(have)
    assert kept.runs() == [whole]


def test_what_was_said_is_there_when_it_is_killed(kept):
    have = made(0, 40)
    kept.list(have)
    kept.start()
    assert kept.first_copy() == f"40 entries kept in {kept.copy}\n"
    kept.stop(signal.SIGKILL)
    assert kept.runs() == [b"".join(have)]


def test_goes_on_wherever_the_last_file_ends(kept):
    """As after a crash of the machine: at each byte."""
    have = made(0, 4)
    whole = b"".join(have)
    kept.copies(have)
    file, = kept.files
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        kept.copies(have)
        assert kept.runs() == [whole], length


def test_a_damaged_end_is_removed(kept):
    have = made(0, 4)
    kept.copies(have[:2])
    file, = kept.files
    file.write_bytes(b"".join(have[:2]) + bytes(5000))
    kept.copies(have)
    assert kept.runs() == [b"".join(have)]


# ---- How much is kept

def test_the_oldest_entries_give_way(kept):
    have = made(0, 3000, size=1000)
    for end in (1000, 1500, 3000):
        kept.copies(have[:end], "--keep-size", "1")
        assert sum(file.stat().st_size for file in kept.files) <= 1 << 20
    # They are whole, and the newest
    run, = kept.runs()
    assert b"".join(have).endswith(run)
    assert len(run) > (1 << 20) * 3 // 4
    assert run in [b"".join(have[first:]) for first in range(2000, 3000)]


def test_a_smaller_limit_applies_at_once(kept):
    have = made(0, 3000, size=1000)
    kept.copies(have, "--keep-size", "4")
    kept.copies(have + made(3000, 1), "--keep-size", "1")
    assert sum(file.stat().st_size for file in kept.files) <= 1 << 20
    assert b"".join(have + made(3000, 1)).endswith(b"".join(kept.runs()))


def test_many_reboots_leave_a_limited_number_of_files(kept):
    for boot in range(260):
        kept.copies(made(boot * 10, 2))
    assert len(kept.files) == 256
    assert kept.runs()[-1] == b"".join(made(2590, 2))


# ---- What is refused

def ends(kept, reason, *options):
    kept.start(*options)
    _, err = kept.process.communicate(timeout=60)
    assert kept.process.returncode == 3 and reason in err, err


def test_only_one_process_at_a_time(kept):
    kept.list(made(0, 3))
    kept.start()
    kept.first_copy()
    other = kept.verifier.call("watch", "--ima", kept.ima, "--keep", kept.copy)
    assert other.status == 3 and "another process keeps its copy there" in other.err


def test_a_malformed_list_is_an_error(kept):
    kept.list([b"no list at all"])
    ends(kept, "the measurement list: entry 0")


def test_no_link_is_followed(kept, tmp_path):
    kept.list(made(0, 3))
    kept.copy.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    (kept.copy / "0000000001-0000000001").symlink_to(victim)
    ends(kept, "symbolic link")
    assert victim.read_bytes() == b""


def test_a_file_in_place_of_the_folder_is_an_error(kept):
    kept.list(made(0, 3))
    kept.copy.write_bytes(b"")
    ends(kept, "copy: ")


@pytest.mark.parametrize("options", ["--keep", "--keep-size 1", "--keep-size 1 --every 1", "--keep x --keep-size 0",
                                     "--keep x --keep y", "--keep x --interval 1 --every 1"])
def test_bad_usage_is_refused(verifier, options, tmp_path):
    assert verifier.call("watch", *options.split(), cwd=tmp_path).status == 3


def test_reads_only_what_is_new(kept):
    have = made(0, 40_000, size=300)
    kept.list(have[:-1])
    kept.start()
    kept.first_copy()

    def read():
        return int(re.search(r"rchar: (\d+)", Path(f"/proc/{kept.process.pid}/io").read_text(encoding="ascii"))[1])
    before, end = read(), time.monotonic() + 30
    kept.list(have)
    while kept.runs() != [b"".join(have)]:
        assert time.monotonic() < end
        time.sleep(0.1)
    # The first entry, the last one that was there, and the new one, in a buffer each
    assert read() - before < 1 << 20
