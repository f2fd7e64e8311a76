# SPDX-License-Identifier: GPL-2.0-only
"""
Damaged lists, and files that are not lists: an error with the entry and the offset, status 3, little memory and time.

What the reader makes of each missing byte is in test_log.c, of each changed bit in test_mutations.c.
"""

import json
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from lab import lists
from lab.verifier import SANITIZED, VECTORS, Verifier

VECTOR = VECTORS / "two-kernels"
# The list was read after the PCRs, and one entry came in between
TARGETS = json.loads((VECTOR / "result.json").read_text(encoding="utf-8"))["targets"]
PROVED = max(target["matched_after"] or 0 for target in TARGETS)
ENTRIES = lists.entries((VECTOR / "list").read_bytes())[:PROVED]
LIST = (VECTOR / "list").read_bytes()[:ENTRIES[-1].end]
# A command that reads a list as it should needs less address space, and far less time
MEMORY = 256 << 20
SECONDS = 20

# Repeatable: what chance finds is for the fuzzers
EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate, Phase.shrink),
                    suppress_health_check=[HealthCheck.function_scoped_fixture])

# Where the lengths of the first entry are, an ima-ng of a SHA-256 bank
TEMPLATE_NAME, TEMPLATE_DATA, FIRST_FIELD, SECOND_FIELD = 24, 34, 38, 82
LIES = {"4 GiB": b"\xff\xff\xff\xff", "nearly 4 GiB": b"\xfb\xff\xff\xff", "2 GiB": b"\x00\x00\x00\x80"}


@dataclass(frozen=True)
class Judge:
    """Has the command verify a list that is in a file or comes through a pipe, in little memory and time."""
    verifier: Verifier
    path: Path
    piped: bool

    def call(self, stdin, log):
        def limit():
            # Sanitizers reserve terabytes of address space
            if self.verifier is not SANITIZED:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        return self.verifier.verify(log, VECTOR / "pcrs", stdin=stdin, preexec_fn=limit, timeout=SECONDS)

    def __call__(self, data):
        self.path.write_bytes(data)
        if not self.piped:
            return self.call(subprocess.DEVNULL, self.path)
        with subprocess.Popen(["cat", self.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:
            answer = self.call(cat.stdout, "-")
            cat.stdout.close()
        return answer


@pytest.fixture(params=["file", "pipe"])
def judge(request, verifier, tmp_path):
    return Judge(verifier, tmp_path / "list", request.param == "pipe")


def is_error(answer, text):
    """One line that any terminal may show, and no verdict."""
    return (answer.status == 3 and not answer.out and
            re.fullmatch(rf"imatally: [^\n]*: {text}[^\n]*\n", answer.err) is not None and
            re.fullmatch(r"[ -~]*\n", answer.err) is not None)


def place(answer):
    """Entry and offset that the error is about."""
    return tuple(map(int, re.search(r": entry (\d+), offset (\d+): ", answer.err).groups()))


def put(offset, data):
    """The list with @data written over it."""
    return LIST[:offset] + data + LIST[offset + len(data):]


def test_list_itself_is_complete(judge):
    assert judge(LIST).verdict == "complete"


# ---- Cut

# In each part of the second entry, a record, and a byte before the end
@pytest.mark.parametrize("length", [102, 110, 125, 130, 140, 170, 200, len(LIST) - 1])
def test_cut_list_is_refused(judge, length):
    assert is_error(judge(LIST[:length]), "entry [0-9]+, offset [0-9]+: .*(the list ends|the template data ends|has length)")


@EXAMPLES
@given(entry=st.sampled_from(range(len(ENTRIES))), data=st.data())
def test_cut_list_is_refused_at_the_entry_that_is_cut(judge, entry, data):
    start, end = ENTRIES[entry].start, ENTRIES[entry].end
    cut = data.draw(st.integers(start + 1, end - 1), "length")
    answer = judge(LIST[:cut])
    assert is_error(answer, "entry [0-9]+, offset [0-9]+: ")
    found, offset = place(answer)
    assert found == entry and start <= offset <= cut


@EXAMPLES
@given(kept=st.sampled_from([entry.end for entry in ENTRIES[:-1]]))
def test_list_without_its_last_entries_is_not_complete(judge, kept):
    answer = judge(LIST[:kept])
    assert answer.status in (1, 2) and not answer.verdict.startswith("complete")


# ---- Lengths that lie

@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.parametrize("offset, text", [
    (TEMPLATE_NAME, "entry 0, offset 24: template name of "),
    (TEMPLATE_DATA, "entry 0, offset 38: the list ends within the template data: [0-9]+ bytes expected, [0-9]+ left"),
    (FIRST_FIELD, "entry 0, offset 38: field d-ng has length "),
    (SECOND_FIELD, "entry 0, offset 82: field n-ng has length "),
], ids=["template name", "template data", "field d-ng", "field n-ng"])
def test_length_that_lies_is_refused(judge, offset, text, lie):
    assert is_error(judge(put(offset, lie)), text)


@EXAMPLES
@given(entry=st.sampled_from(range(len(ENTRIES))), data=st.data())
def test_data_longer_than_the_list_is_refused_at_its_entry(judge, entry, data):
    start, end = ENTRIES[entry].start, ENTRIES[entry].end
    offset = lists.data_of(LIST, ENTRIES[entry]) - 4
    length = data.draw(st.integers(len(LIST) - offset - 3, 2 ** 32 - 1), "length")
    answer = judge(put(offset, length.to_bytes(4, "little")))
    assert is_error(answer, "entry [0-9]+, offset [0-9]+: ")
    found, at = place(answer)
    assert found == entry and start <= at < end


# ---- Contents

def test_pcr_that_no_tpm_has_is_refused(judge):
    assert is_error(judge(put(0, b"\xff")), "entry 0, offset 0: PCR index 255")


def test_unknown_template_is_replayed_and_named(judge):
    answer = judge(put(28, b"imaxng"))
    assert answer.status == 0 and answer.says('entry 0: template "imaxng" is unknown'), answer.text


def test_unknown_template_in_the_other_byte_order_hides_no_record(judge):
    """No digest covers the numbers in front of the data, nor the template's name. Those in the data are covered."""
    def other(entry):
        start, data = entry.start, lists.data_of(LIST, entry)
        return b"".join((LIST[start:start + 4][::-1], LIST[start + 4:start + 4 + lists.DIGEST], b"\0\0\0\1x",
                         LIST[data - 4:data][::-1], LIST[data:entry.end]))
    assert is_error(judge(b"".join(map(other, ENTRIES))), "entry 0, offset 33: the template data does not consist of")


def test_what_is_not_printable_is_not_printed(judge):
    assert is_error(judge(put(28, b"\x1b[31m\n")), r'entry 0, offset 28: unknown template "\?\[31m\?"')


def test_damaged_record_is_named(judge):
    answer = judge(put(LIST.index(b"version=1;"), b"version=x;"))
    assert answer.status == 2 and answer.says("entry 1 is a record with invalid text"), answer.text


def is_violation(entry):
    """Of one nothing is measured but that it is there."""
    digest = LIST[entry.start + 4:entry.start + 4 + lists.DIGEST]
    return not any(digest)


@EXAMPLES
@given(entry=st.sampled_from([entry for entry in ENTRIES if not is_violation(entry)]), data=st.data())
def test_list_with_bytes_written_over_it_is_never_complete(judge, entry, data):
    measured = [*range(entry.start, lists.name_of(entry)), *range(lists.data_of(LIST, entry), entry.end)]
    offset = data.draw(st.sampled_from(measured), "offset")
    changed = data.draw(st.integers(1, 255), "change of the first byte") ^ LIST[offset]
    answer = judge(put(offset, bytes([changed]) + data.draw(st.binary(max_size=64), "more bytes")))
    if answer.status == 3:
        assert is_error(answer, "entry [0-9]+, offset [0-9]+: ")
        assert place(answer)[1] <= len(LIST) + 64
    else:
        assert answer.status in (1, 2) and not answer.verdict.startswith("complete")


# ---- Not a list

def test_empty_list_is_refused(judge):
    assert is_error(judge(b""), "the list is empty")


@EXAMPLES
@given(data=st.binary(min_size=1, max_size=2000))
def test_bytes_that_are_not_a_list_are_refused(judge, data):
    assert is_error(judge(data), "(entry [0-9]+, offset [0-9]+: |the list is empty)")


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_long_noise_is_refused_at_its_first_entry(judge, seed):
    noise = subprocess.run(["openssl", "enc", "-aes-128-ctr", "-K", str(seed), "-iv", "0"], input=bytes(100000),
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    assert is_error(judge(noise), "entry 0, offset 0: PCR index ")


def test_noise_without_an_end_is_refused_at_its_first_entry(verifier):
    with open("/dev/urandom", "rb") as endless:
        answer = Judge(verifier, None, True).call(endless, "-")
    assert is_error(answer, "entry 0, offset ")
