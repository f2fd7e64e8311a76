# SPDX-License-Identifier: GPL-2.0-only
"""
Answers in JSON: they follow their schemas, which know each member and each word, and say what the answer for people
says.
"""

import json
import re
import resource
import subprocess

import pytest

from lab import lists, schema
from lab.verifier import SOURCE, VECTORS

RESULT = schema.closed(schema.load("result"))
RECORD = schema.closed(schema.load("record"))


@pytest.fixture
def measured(verifier, tmp_path):
    """A complete list, as files "log" and "pcrread"."""
    return lists.short(verifier, tmp_path)


@pytest.fixture
def story(verifier, tmp_path):
    return lists.story(verifier, tmp_path)


@pytest.fixture
def verify(verifier, tmp_path):
    """The one line that "verify --json" prints, which follows the schema; it is called in the folder of the list."""
    def verify(verdict, status, *args):
        answer = verifier.call("verify", "--json", *args, cwd=tmp_path)
        line, = map(json.loads, answer.out.splitlines())
        assert schema.errors(RESULT, line) == []
        assert (line["verdict"], line["status"], answer.status) == (verdict, status, status)
        return line
    return verify


@pytest.fixture
def show(verifier, tmp_path):
    """Exit status and lines of "show --json", which follow the schema."""
    def show(*args):
        answer = verifier.call("show", "--json", *args, cwd=tmp_path)
        lines = [json.loads(line) for line in answer.out.splitlines()]
        assert [error for line in lines for error in schema.errors(RECORD, line)] == []
        return answer.status, lines
    return show


# ---- Verdicts and errors

def test_complete(verify, measured):
    answer = verify("complete", 0, "log", "--pcrs", "pcrread")
    assert answer["log"] == "log"
    assert answer["signer"] is None
    assert [target["match"] for target in answer["targets"] if target["in_log"]] == ["same"] * 2


def test_mismatch(verify, measured):
    measured.log.write_bytes(measured.log.read_bytes().replace(b"file7\0", b"file8\0"))
    answer = verify("mismatch", 2, "log", "--pcrs", "pcrread")
    faults = {finding["kind"] for finding in answer["findings"] if finding["severity"] == "fault"}
    assert faults == {"altered", "differs_at_record"}


@pytest.mark.parametrize("args", [
    ("log",),
    ("log", "--no-such-option"),
    ("log", "--pcrs"),
    ("nothing", "--pcrs", "pcrread"),
    ("--evidence", ".", "--ak", "log", "--nonce", "00"),
], ids=" ".join)
def test_error_is_an_answer_too(verify, measured, args):
    verify("error", 3, *args)


def test_error_names_the_file(verify, measured):
    answer = verify("error", 3, "nothing", "--pcrs", "pcrread")
    assert answer["error"]["text"] == "nothing: No such file or directory"


def test_error_in_a_list_has_its_entry_and_offset(verify, measured):
    whole = measured.log.read_bytes()
    measured.log.write_bytes(whole[:-1])
    error = verify("error", 3, "log", "--pcrs", "pcrread")["error"]
    assert error["entry"] >= 20 and 0 < error["offset"] < len(whole)


def test_name_that_is_not_utf8(verify, measured):
    assert verify("error", 3, b"no\xff\xc3file", "--pcrs", "pcrread")["log"] == "no??file"


# ---- A list on which all happened

@pytest.fixture
def answer_to_story(verify, story):
    return verify("incomplete", 1, "log", "--pcrs", "pcrread", "--strict")


def test_option_strict_is_reported(answer_to_story):
    assert answer_to_story["strict"] is True


def test_losses_add_up(answer_to_story):
    assert [answer_to_story[key] for key in ("lost", "dropped", "failed")] == [21, 3, 2]
    assert sum((interval["lost"] or 0) + (interval["lost_at_kexec"] or 0) for interval in answer_to_story["intervals"]) == 21


def test_entries_of_the_intervals_add_up(answer_to_story):
    assert sum(interval["entries"] for interval in answer_to_story["intervals"]) == answer_to_story["entries"]


def test_counters_of_the_intervals_add_up(answer_to_story):
    known = [(before, after) for before, after in zip(answer_to_story["intervals"][1:], answer_to_story["intervals"][2:-1])
             if before["counter"] is not None and after["counter"] is not None]
    assert len(known) > 5
    for before, after in known:
        assert after["pcrUpdateCounter"] == before["pcrUpdateCounter"] + after["counter"]


def test_each_kind_of_finding_is_there(answer_to_story):
    kinds = {finding["kind"] for finding in answer_to_story["findings"]}
    assert kinds == {"dropped", "failed", "failed_entry", "lost", "others", "records_not_proved",
                     "unexplained", "unjudged"}


def test_reasons_not_to_judge_are_reported(answer_to_story):
    reasons = [finding["unjudged"] for finding in answer_to_story["findings"] if finding["kind"] == "unjudged"]
    assert reasons == [["resume"], ["error"], ["error"]]


def test_findings_are_worded_as_for_people(verifier, answer_to_story, story):
    text = verifier.verify(story.log, story.pcrs).out
    assert [finding["text"] for finding in answer_to_story["findings"] if finding["text"] not in text] == []


# ---- Records

def test_show_has_a_line_for_each_record(show, answer_to_story):
    status, lines = show("log")
    assert (status, len(lines)) == (0, answer_to_story["records"])
    assert [line["event"] for line in lines][:3] == ["boot", "policy", "request"]


def test_show_has_the_tpms_error(show, story):
    _, lines = show("log")
    assert [line["tpm_error"] for line in lines if "tpm_error" in line] == ["ETIME"]


def test_show_ends_with_the_error(show, measured):
    measured.log.write_bytes(measured.log.read_bytes()[:-1])
    status, lines = show("log")
    assert status == 3 and list(lines[-1]) == ["error"]


def test_show_without_a_list_is_an_error(show):
    assert show()[0] == 3


def test_full_disk_is_an_error(verifier, story):
    with open("/dev/full", "w", encoding="ascii") as full:
        assert verifier.verify(story.log, story.pcrs, "--json", stdout=full, stdin=subprocess.DEVNULL).status == 3


# ---- The words: of the library, the schema and the manual page

def words():
    """The kinds of findings, and all others."""
    kinds = re.findall(r'\{ "(\w+)", IMATALLY', (SOURCE / "lib" / "finding.c").read_text(encoding="utf-8"))
    others = re.findall(r'return "(\w+)"', (SOURCE / "lib" / "names.c").read_text(encoding="utf-8"))
    assert len(kinds) > 20 and len(others) > 10
    return sorted({*kinds, *others})


WORDS = words()
PAGE = (SOURCE / "man" / "imatally-result.5").read_text(encoding="utf-8").replace("\\-", "-")
FINDING = RESULT["$defs"]["finding"]


def members():
    """Of an answer, but for those of "show"."""
    found = set(RESULT["properties"])
    for name in ("point", "interval", "finding", "target", "signer"):
        found |= set(RESULT["$defs"][name]["properties"])
    return sorted(found - set(RECORD["properties"]))


@pytest.mark.quick
@pytest.mark.parametrize("word", WORDS)
def test_word_of_the_library_is_in_the_schema_and_the_manual(word):
    assert f'"{word}"' in schema.text("result")
    assert re.search(rf"\b{word}\b", PAGE)


@pytest.mark.quick
@pytest.mark.parametrize("branch", FINDING["oneOf"], ids=[branch["properties"]["kind"]["enum"][0] for branch in FINDING["oneOf"]])
def test_kinds_of_the_schema_are_the_librarys(branch):
    assert set(branch["properties"]["kind"]["enum"]) <= set(WORDS)


@pytest.mark.quick
@pytest.mark.parametrize("member", members())
def test_member_is_in_the_manual(member):
    assert re.search(rf"\b{member}\b", PAGE)


# ---- A long answer

@pytest.mark.quick
def test_json_is_not_kept_in_memory(verifier, tmp_path):
    """A tree of these intervals would take 180 MB."""
    found = lists.long(verifier, tmp_path, VECTORS / "two-kernels" / "list", 40000, every=1)
    done = subprocess.run([verifier.binary, "verify", found.log, "--pcrs", found.pcrs, "--json"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, check=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 ** 26, 2 ** 26)))
    assert len(json.loads(done.stdout)["intervals"]) == 40000
