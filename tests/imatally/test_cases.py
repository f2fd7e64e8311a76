# SPDX-License-Identifier: GPL-2.0-only
"""
Lists and evidence that once got a wrong answer, each an example of its kind: vectors/cases.

Each has the verdict, and what the answer says besides. "-" before a text: the answer does not say it.
"""

import shutil

import pytest

from lab import lists
from lab.verifier import VECTORS

CASES = VECTORS / "cases"

COMPLETE = (0, "complete")
DROPPED = (1, "incomplete: 5 measurements dropped")
MISMATCH = (2, "mismatch: the list has no consistent reading")

LISTS = {
    "boot-aggregate-late/late-late": (*COMPLETE, ", 2 kernels", "-named boot_aggregate"),
    "boot-aggregate-late/plain-late": (*COMPLETE, ", 2 kernels"),
    "boot-aggregate-late/plain-plain": (*COMPLETE, ", 2 kernels"),
    "step-missing/read-refused": (*COMPLETE, "the counter cannot be judged .*: a record lacks a key"),
    "step-missing/extend-refused": (1, "incomplete: 1 entry whose extend failed", "entry 0 was not extended"),
    "pcr-missing": (3, None, "no value was given for PCR 10, which IMA extends"),
    "users-file-named-boot-aggregate/unprivileged": (*COMPLETE, ", 1 kernel$", "entry 10 is named boot_aggregate, but no record"),
    "users-file-named-boot-aggregate/deep": (*COMPLETE, ", 1 kernel$", "entry 8 is named boot_aggregate, but no record"),
    "forged-record/genuine": (*DROPPED, r"between entry 1 \(boot\) and entry 9 \(request\)", "-findings"),
    "forged-record/by-carrier": (*DROPPED, "entry 6: a record in PCR 11, which was not judged",
                                 "1 entry of PCRs that no value proves, more than the kernel counted"),
    "forged-record/in-a-pcr-that-resets": (*DROPPED, "entry 6: a record in PCR 16, which was not judged"),
    "tampering-as-reset": (*MISMATCH, r"stops matching between entry 1 \(boot\) and entry 8 \(request\)"),
    "gap-after-gap/one": (1, "incomplete: 9 entries lost", r"9 entries lost between .* and entry 33 \(boot_aggregate of kernel 3\)",
                          r"nothing proves the records of the kernels before entry 37 \(request\)"),
    "gap-after-gap/two": (1, "incomplete: 29 entries lost", r"20 entries lost between entry 5 .* and entry 6 \(kexec_execute\)",
                          r"9 entries lost between entry 12 .* and entry 13 \(boot_aggregate of kernel 3\)",
                          r"nothing proves the records of the kernels before entry 17 \(request\)"),
    "unproved-records/story": (1, "incomplete: 6 entries lost, 2 measurements dropped",
                               r"nothing proves the records of the kernels before entry 14 \(kexec_execute\)"),
    "unproved-records/execute-record": (*MISMATCH, r"counts contradict each other"),
    "unproved-records/kernel-in-front": (*MISMATCH, "entries more than the kernel counted"),
    "located-by-a-record-without-values/end": (*MISMATCH, r"PCR 10, sha256: .*; it matches up to entry 1 \(boot\)"),
    "located-by-a-record-without-values/record": (*MISMATCH, r"stops matching between entry 1 \(boot\) and entry 10 \(request\)"),
    "values-of-two-moments": (*COMPLETE, "of two moments, after 300 and after 301 entries", "161 entries at the end"),
    # What these kernels recorded does not tell: they lack the key "before"
    "nothing-arrives/extended-before-ima": (*MISMATCH, r"stops matching between the start of the list and entry 1 \(boot\)"),
    "nothing-arrives/kexec-load-syscall": (*MISMATCH,),
    "nothing-arrives/restore-failed": (*MISMATCH,),
    "nothing-arrives/list-refused": (*MISMATCH,),
    # A kernel ran in between of which no entry arrived, and the TPM could not be read when it was executed
    "nothing-arrives/kernel-between": (1, "incomplete: what was extended before a kernel did not arrive",
                                       r"before entry 8 \(boot_aggregate of kernel 2\) did not arrive"),
    "template-unknown": (*COMPLETE, 'entry 3: template "ima-cgpath" is unknown', "2 records"),
    "counter-wraps": (*COMPLETE, "1 boot  *8 request  *7  *0  *14  *14  *0  *0$", "-findings"),
    "list-without-start": (1, "incomplete: 4 entries lost", ", 1 kernel$"),
}


def expect(answer, status, verdict, *texts):
    assert answer.status == status, answer.text
    if verdict:
        assert answer.verdict == verdict, answer.text
    for text in texts:
        assert answer.says(text.removeprefix("-")) == (not text.startswith("-")), (text, answer.text)


@pytest.mark.quick
def test_each_case_has_its_answer():
    assert set(LISTS) == {str(path.parent.relative_to(CASES)) for path in CASES.rglob("pcrs")}


@pytest.mark.quick
@pytest.mark.parametrize("case", LISTS)
def test_case_is_answered_right(verifier, case):
    expect(verifier.verify("list", "pcrs", cwd=CASES / case), *LISTS[case])


@pytest.mark.quick
def test_case_with_a_part_is_counted_by_the_counter(verifier):
    """What the kernel before had in its list, when its list did not arrive."""
    answer = verifier.call("verify", "list1", "list", "--pcrs", "pcrs", cwd=CASES / "nothing-arrives" / "list-refused")
    expect(answer, 1, "incomplete: 2 entries lost", r"before|2 entries lost between entry 24 and entry 25 .*by pcrUpdateCounter")


@pytest.mark.quick
def test_strict_does_not_pass_a_forged_record(verifier):
    for case in ("by-carrier", "in-a-pcr-that-resets"):
        assert verifier.verify("list", "pcrs", "--strict", cwd=CASES / "forged-record" / case).status == 1


@pytest.mark.quick
@pytest.mark.parametrize("case", ["pcr-missing", "list-without-start"])
def test_show_prints_the_records(verifier, case):
    answer = verifier.call("show", "list", cwd=CASES / case)
    assert answer.status == 0 and answer.says(r"^entry \d+: request, kernel 1$"), answer.text


# ---- Evidence

STILL = CASES / "pcr-stands-still"


def verify_evidence(verifier, folder, number, *args):
    return verifier.call("verify", *args, "--evidence", f"ev.{number}", "--ak", "ak.pem", "--nonce", number, cwd=folder)


@pytest.mark.quick
def test_pcr_that_stands_still_is_named_with_a_state(verifier, tmp_path):
    for number, text in ("01", "-findings"), ("02", "-findings"), ("03", "PCR 10 has not changed since 7 entries were added"), \
                        ("04", "PCR 10 has not changed since 15 entries were added"):
        answer = verify_evidence(verifier, STILL, number, "--state", tmp_path / "state", "--strict")
        expect(answer, 0 if text.startswith("-") else 1, "complete (not counted)", text)


@pytest.mark.quick
@pytest.mark.parametrize("number, previous, text", [
    ("02", "01", "-findings"), ("03", "02", "PCR 10 has not changed since 7 entries were added"),
    ("04", "02", "PCR 10 has not changed since 7 entries were added"), ("03", "01", "-findings"),
])
def test_pcr_that_stands_still_is_named_with_previous_evidence(verifier, number, previous, text):
    answer = verify_evidence(verifier, STILL, number, "--previous", f"ev.{previous}", "--strict")
    expect(answer, 0 if text.startswith("-") else 1, "complete (not counted)", text)


@pytest.mark.quick
def test_list_without_the_last_entry_of_before_is_noticed(verifier, tmp_path):
    """Whoever cuts the list before it may want to hide that the PCR stands still."""
    shutil.copytree(STILL, tmp_path / "case")
    log = tmp_path / "case" / "ev.03" / "log"
    data = log.read_bytes()
    log.write_bytes(data[:lists.entries(data)[18].end])
    answer = verify_evidence(verifier, tmp_path / "case", "03", "--previous", "ev.02", "--strict")
    expect(answer, 1, "complete (not counted)", "the last entry of PCR 10 in the list of the previous evidence is not in this one")


@pytest.mark.quick
@pytest.mark.parametrize("number, parts, status, verdict", [
    ("01", (), 0, "complete"),
    ("02", (), 1, "incomplete: 27 entries lost"),
    ("02", ("part1",), 0, "complete"),
    ("04", (), 1, "incomplete: 31 entries lost (trimmed: user space deleted 31 from the start)"),
    ("04", ("part1",), 1, "incomplete: 4 entries lost"),
])
def test_what_was_staged_is_a_part(verifier, number, parts, status, verdict):
    answer = verify_evidence(verifier, CASES / "staged-while-collected", number, *parts)
    assert (answer.status, answer.verdict) == (status, verdict), answer.text
