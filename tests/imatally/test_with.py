# SPDX-License-Identifier: GPL-2.0-only
"""
imatally verify --with: a copy of the list puts back what is missing from it, where the replay then reaches the PCR
values; any other copy changes nothing.
"""

import os
import random
import subprocess

import pytest

from lab import lists, schema
from lab.verifier import VECTORS
from model import entries
from model.machine import Setup, run
from model.operations import Measure, Request, TakeQuote
from model.tpm import Bank

RESULT = schema.closed(schema.load("result"))
CUT, WHOLE = VECTORS / "kexec-overflow", VECTORS / "two-kernels"
# Of the list in CUT: the last entry before the cut, and how many files were measured
LAST, FILES, LOST = 73, 200, 133
SHA256 = Bank("sha256", "sha256", "sha256")
ABOUT_COPY = ("copy", "put_back", "copy_missing", "copy_had")


def split(data):
    return [data[entry.start:entry.end] for entry in lists.entries(data)]


def measured(number):
    """What the kernel made of one of the guest's files: see tests/guest/carry.sh."""
    return entries.of_file(10, b"/ramfs/%d" % number, b"%d\n" % number).binary()


@pytest.fixture
def copy():
    """The whole list of the kernel whose list was cut, without its last record."""
    found = split((CUT / "list").read_bytes())[:LAST + 1]
    files = [measured(number) for number in range(FILES)]
    assert found[-1] == files[FILES - LOST - 1]
    return found + files[FILES - LOST:]


class Asked:
    def __init__(self, verifier, folder, vector):
        self.verifier, self.folder, self.vector = verifier, folder, vector

    def answer(self, *options, measurements=None):
        answer = self.verifier.verify(measurements or self.vector / "list", self.vector / "pcrs", "--json", *options)
        assert schema.errors(RESULT, answer.json) == []
        return answer.json

    def with_copy(self, copy, **more):
        path = self.folder / "a copy"
        path.write_bytes(b"".join(copy))
        return self.answer("--with", path, **more)

    def does_not_fit(self, copy, had=None):
        """The answer is the one without the copy."""
        with_copy, without = self.with_copy(copy), self.answer()
        said = {name: with_copy.pop(name) for name in ABOUT_COPY}
        assert with_copy == without
        assert (said["copy"], said["put_back"], said["copy_missing"]) == ("does_not_fit", 0, LOST)
        assert had is None or said["copy_had"] == had, said


@pytest.fixture
def cut(verifier, tmp_path):
    return Asked(verifier, tmp_path, CUT)


@pytest.fixture
def whole(verifier, tmp_path):
    """A list that is complete, and can be shown without some of its entries."""
    return Asked(verifier, tmp_path, WHOLE)


# ---- What is put back

def test_what_kexec_cut_is_put_back(cut, copy):
    assert cut.answer()["verdict"] == "incomplete"
    answer = cut.with_copy(copy)
    assert (answer["verdict"], answer["status"], answer["lost"]) == ("complete", 0, 0)
    assert (answer["copy"], answer["put_back"]) == ("used", LOST)
    assert [interval.get("put_back", 0) for interval in answer["intervals"]] == [0, 0, LOST, 0, 0]
    assert not answer["restarted"]
    assert [target["match"] for target in answer["targets"] if target["in_log"]] == ["same", "same"]


def test_the_answer_for_people_says_so(cut, copy):
    (cut.folder / "copy").write_bytes(b"".join(copy))
    answer = cut.verifier.verify(CUT / "list", CUT / "pcrs", "--with", "copy", "--html", "page", cwd=cut.folder)
    assert answer.status == 0
    assert answer.out.startswith(f"verdict: complete\n  {LOST} entries put back from copy\n")
    page = (cut.folder / "page").read_text(encoding="utf-8")
    assert f"{LOST} entries put back from copy" in page and f"<td class=\"why\">{LOST} put back</td>" in page


def test_an_ascii_list_is_completed_too(cut, copy):
    assert cut.with_copy(copy, measurements=CUT / "list.ascii")["verdict"] == "complete"


def test_the_copy_may_be_in_ascii(cut, copy, tmp_path):
    (tmp_path / "binary").write_bytes(b"".join(copy))
    lists.write_ascii(tmp_path / "binary", tmp_path / "text")
    assert cut.answer("--with", tmp_path / "text")["verdict"] == "complete"


def test_what_is_at_the_end_of_the_copy_and_not_in_the_gap_is_not_used(cut, copy):
    assert cut.with_copy([*copy, measured(1000)])["put_back"] == LOST


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_entries_that_an_agent_deleted_are_put_back(whole, count):
    """Anywhere: at the start, at the end, records and the first entries of kernels among them."""
    have = split((WHOLE / "list").read_bytes())
    proved = len(have) - 1
    for at in range(len(have) - count + 1):
        path = whole.folder / "list"
        path.write_bytes(b"".join(have[:at] + have[at + count:]))
        answer = whole.with_copy(have, measurements=path)
        assert (answer["verdict"], answer["status"]) == ("complete", 0), at
        # The last entry is in no PCR value, so it is not missed
        assert answer["put_back"] == min(at + count, proved) - at, at


def test_a_copy_that_watch_kept_completes_the_list_of_a_real_kexec(verifier, tmp_path):
    """On 7.3, whose own event kexec_execute comes after the last copy: it is computed."""
    folder = VECTORS / "kexec-kept"
    copied = b"".join(path.read_bytes() for path in sorted((folder / "copy").iterdir()))
    assert b"kexec_load\0" in copied and b"kexec_execute\0" not in copied
    asked = Asked(verifier, tmp_path, folder)
    missing = asked.answer()["lost"]
    answer = asked.answer("--with", folder / "copy")
    assert (answer["verdict"], answer["put_back"]) == ("complete", missing)
    # Not without the last entry that it has
    answer = asked.with_copy(split(copied)[:-1])
    assert (answer["verdict"], answer["copy_had"]) == ("incomplete", missing - 2)


def test_entries_are_put_back_into_several_gaps(whole):
    have = split((WHOLE / "list").read_bytes())
    path = whole.folder / "list"
    path.write_bytes(b"".join(have[:3] + have[4:9] + have[11:18] + have[19:]))
    answer = whole.with_copy(have, measurements=path)
    assert (answer["verdict"], answer["put_back"]) == ("complete", 4)


# ---- The directory of imatally watch

def write_pieces(folder, copy, sizes, first=(1, 1)):
    folder.mkdir(exist_ok=True)
    run, piece = first
    for size in sizes:
        (folder / f"{run:010}-{piece:010}").write_bytes(b"".join(copy[:size]))
        copy, piece = copy[size:], piece + 1


def test_the_pieces_of_a_run_continue_each_other(cut, copy, tmp_path):
    write_pieces(tmp_path / "copy", copy, [3, 60, 100, 1000])
    assert cut.answer("--with", tmp_path / "copy")["put_back"] == LOST


def test_the_oldest_pieces_may_be_gone(cut, copy, tmp_path):
    write_pieces(tmp_path / "copy", copy, [3, 60, 100, 1000])
    (tmp_path / "copy" / "0000000001-0000000001").unlink()
    assert cut.answer("--with", tmp_path / "copy")["put_back"] == LOST


def test_other_runs_and_other_files_do_no_harm(cut, copy, tmp_path):
    have = split((WHOLE / "list").read_bytes())
    write_pieces(tmp_path / "copy", have, [1000], first=(1, 1))
    write_pieces(tmp_path / "copy", copy, [50, 1000], first=(2, 1))
    # The next kernel's list is the one that was cut
    write_pieces(tmp_path / "copy", split((CUT / "list").read_bytes()), [1000], first=(3, 1))
    write_pieces(tmp_path / "copy", have, [1000], first=(4, 1))
    (tmp_path / "copy" / "README").write_text("no list", encoding="ascii")
    assert cut.answer("--with", tmp_path / "copy")["put_back"] == LOST


def test_a_missing_piece_ends_a_run(cut, copy, tmp_path):
    write_pieces(tmp_path / "copy", copy, [3, 100, 20, 1000])
    (tmp_path / "copy" / "0000000001-0000000003").unlink()
    answer = cut.answer("--with", tmp_path / "copy")
    assert (answer["copy"], answer["copy_had"]) == ("does_not_fit", 3 + 100 - (LAST + 1))


# ---- What does not fit

@pytest.mark.parametrize("had", [0, 1, LOST - 1])
def test_a_copy_that_ends_too_early(cut, copy, had):
    """Nothing proves what it has: the next entries are not known."""
    cut.does_not_fit(copy[:len(copy) - LOST + had], had)


def test_a_copy_that_ends_anywhere(cut, copy):
    """In the middle of an entry, too."""
    data, chosen = b"".join(copy), random.Random(18)
    for _ in range(50):
        cut.does_not_fit([data[:chosen.randrange(len(data))]])


def test_a_copy_of_another_machine(cut):
    cut.does_not_fit([(WHOLE / "list").read_bytes()], 0)


def test_a_copy_without_the_gap(cut):
    cut.does_not_fit([(CUT / "list").read_bytes()], 0)


@pytest.mark.parametrize("garbage", [b"\0" * 1000, b"no list", bytes(range(256)) * 40], ids=["zeroes", "text", "bytes"])
def test_garbage(cut, garbage):
    cut.does_not_fit([garbage], 0)


@pytest.mark.parametrize("change", ["edited", "exchanged", "renumbered", "invented", "doubled", "swapped"])
def test_a_copy_that_was_changed(cut, copy, change):
    at, invented = 150, entries.of_file(10, b"/bin/evil", b"evil").binary()
    if change == "edited":
        copy[at] = copy[at].replace(b"/ramfs/", b"/other/")
    elif change == "exchanged":
        copy[at] = invented
    elif change == "renumbered":
        # The PCR of an entry is in no digest. One that no value is given of takes anything
        copy[at] = b"\x17" + invented[1:]
    elif change == "invented":
        copy[LAST + 1:] = [b"\x0b" + entries.of_file(11, b"/bin/evil%d" % n, b"evil").binary()[1:] for n in range(LOST)]
    elif change == "doubled":
        copy[at] = copy[at - 1]
    elif change == "swapped":
        copy[at], copy[at + 1] = copy[at + 1], copy[at]
    cut.does_not_fit(copy, LOST)


def test_entries_of_a_pcr_that_nothing_proves_are_never_put_back(verifier, tmp_path):
    """Else anyone could close a gap of such entries."""
    machine = run(Setup((SHA256,)), [Measure(3), Request(), Measure(3, pcr=11), Request(), TakeQuote()])
    have = [entry.wire.binary() for entry in machine.quotes[-1].list]
    (tmp_path / "pcrs").write_text(machine.quotes[-1].pcrs, encoding="ascii")
    (tmp_path / "list").write_bytes(b"".join(entry for entry in have if entry[0] != 11))
    answer = Asked(verifier, tmp_path, tmp_path).with_copy(have)
    assert (answer["verdict"], answer["lost"], answer["copy"], answer["copy_had"]) == ("incomplete", 3, "does_not_fit", 3)


def test_the_answer_for_people_says_what_a_short_copy_has(cut, copy):
    (cut.folder / "copy").write_bytes(b"".join(copy[:-3]))
    answer = cut.verifier.verify(CUT / "list", CUT / "pcrs", "--with", "copy", cwd=cut.folder)
    assert answer.status == 1
    assert answer.out.endswith("\ncopy: copy has 130 entries for the 133 that are missing: nothing proves them\n")


def test_a_complete_list_needs_no_copy(whole):
    answer = whole.with_copy([b"garbage"])
    assert (answer["verdict"], answer["copy"], answer["put_back"]) == ("complete", "not_needed", 0)


def test_an_altered_list_stays_a_mismatch(whole):
    have = split((WHOLE / "list").read_bytes())
    path = whole.folder / "list"
    path.write_bytes(b"".join([*have[:5], have[5].replace(b"/", b"+"), *have[6:9], *have[10:]]))
    answer = whole.with_copy(have, measurements=path)
    assert (answer["verdict"], answer["copy"]) == ("mismatch", "does_not_fit")


# ---- A list that lacks its start

def test_what_is_missing_at_the_start_is_put_back(whole, tmp_path):
    have = split((WHOLE / "list").read_bytes())
    (tmp_path / "list").write_bytes(b"".join(have[1:]))
    # The copy has entries of an earlier boot before
    answer = whole.with_copy([measured(number) for number in range(5)] + have, measurements=tmp_path / "list")
    assert (answer["verdict"], answer["copy"], answer["put_back"]) == ("complete", "used", 1)


def test_a_copy_that_begins_too_late(cut, tmp_path):
    have = split((CUT / "list").read_bytes())
    (tmp_path / "list").write_bytes(b"".join(have[2:]))
    answer = cut.with_copy(have[1:], measurements=tmp_path / "list")
    assert (answer["verdict"], answer["copy"]) == (cut.answer(measurements=tmp_path / "list")["verdict"], "does_not_fit")


def test_a_list_that_repeats_itself(cut, copy, tmp_path):
    have = split((CUT / "list").read_bytes())
    (tmp_path / "list").write_bytes(b"".join(have[:LAST + 2] + have[6:]))
    answer = cut.with_copy(copy, measurements=tmp_path / "list")
    assert (answer["verdict"], answer["copy"]) == ("mismatch", "does_not_fit")


# ---- What is refused

@pytest.mark.parametrize("options, reason", [
    (("--with", "nothing"), "nothing: No such file"),
    (("--with", "."), "no copy of a list"),
    (("--with", "a", "--with", "a"), "--with is given more than once"),
    (("--with", "/dev/null", "--state", "state"), "--with cannot be combined with --state"),
    (("--with", "-"), "a copy cannot be read from a pipe"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_bad_usage(verifier, tmp_path, options, reason):
    read, write = os.pipe()
    answer = verifier.verify(CUT / "list", CUT / "pcrs", *options, cwd=tmp_path, stdin=read)
    assert answer.status == 3 and reason in answer.err, answer.text
    for end in (read, write):
        os.close(end)


def test_a_list_from_a_pipe(verifier, copy, tmp_path):
    (tmp_path / "copy").write_bytes(b"".join(copy))
    answer = verifier.call("verify", "-", "--pcrs", CUT / "pcrs", "--with", tmp_path / "copy",
                           stdin=subprocess.Popen(["cat", CUT / "list"], stdout=-1).stdout)
    assert answer.status == 3 and "a list from a pipe cannot be compared with a copy" in answer.err


def test_not_with_jobs(verifier, tmp_path):
    answer = verifier.call("verify", "--jobs", "1", "--with", tmp_path, CUT)
    assert answer.status == 3 and "--jobs cannot be combined with" in answer.err


def test_no_link_is_followed(verifier, copy, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "list").write_bytes(b"".join(copy))
    (tmp_path / "copy" / "0000000001-0000000001").symlink_to(tmp_path / "list")
    answer = verifier.verify(CUT / "list", CUT / "pcrs", "--with", tmp_path / "copy")
    assert answer.status == 3 and "symbolic link" in answer.err
