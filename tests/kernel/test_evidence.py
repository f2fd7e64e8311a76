# SPDX-License-Identifier: GPL-2.0-only
"""Evidence that the TPM in the VM signs, collected there by imatally and verified outside of it."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import arch as architectures
from lab import image, verifier, vm
from lab.groups import Group, elsewhere, once
from lab.kernel import Build
from lab.paths import GUEST

OF_THE_VM = [Group("evidence_of_the_vm")]
OF_THE_VM += elsewhere(OF_THE_VM)
WITHOUT_A_RULE = [Group("evidence_without_a_rule")]
# A kernel that can stage entries
WHILE_STAGED = [Group("evidence_while_staged", bases=("7.3",))]

LOCATED = r"^  [0-9]+ request +[0-9]+ request +([0-9]+) "
"""An interval between two records on request, and its number of entries."""


@dataclass(frozen=True)
class Collected:
    out: Path
    result: vm.Result

    def verify(self, name: str, nonce: str, *options: str | Path) -> verifier.Answer:
        return verifier.call("verify", "--evidence", self.out / f"evidence.{name}", "--ak", self.out / "ak.pem",
                             "--nonce", nonce, *options)


def collect(group: Group, kernel: Build, program: Path, script: str, append: str) -> Collected:
    """@program: imatally for the guest, which may lack some of its libraries."""
    def boot() -> Collected:
        out = group.fresh_folder()
        image.add_programs([program], out, architectures.get(group.arch))
        result = vm.run(vm.Machine(kernel.image, out, GUEST / script, mem=768, append=append, arch=group.arch))
        return Collected(out, result)

    return once(group.id, boot)


@pytest.fixture
def evidence(group: Group, kernel: Build, guest_imatally: Path, imatally: Path) -> Collected:
    return collect(group, kernel, guest_imatally, "evidence.sh", vm.TCB)


@pytest.fixture
def uncounted(group: Group, kernel: Build, guest_imatally: Path, imatally: Path) -> Collected:
    return collect(group, kernel, guest_imatally, "evidence-without-a-rule.sh", "ima_policy=tcb")


@pytest.fixture
def deleting(group: Group, kernel: Build, guest_imatally: Path, imatally: Path) -> Collected:
    return collect(group, kernel, guest_imatally, "evidence-staged.sh", vm.TCB)


@pytest.mark.groups(OF_THE_VM)
def test_it_is_collected_before_and_after_a_kexec(evidence: Collected) -> None:
    assert (evidence.result.status, evidence.result.boots) == (0, 2), evidence.result.said


@pytest.mark.groups(OF_THE_VM)
def test_it_verifies_outside(evidence: Collected) -> None:
    answer = evidence.verify("first", "01", "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


@pytest.mark.groups(OF_THE_VM)
def test_with_a_record_a_second_a_loss_is_located_within_it(evidence: Collected) -> None:
    answer = evidence.verify("interval", "03", "--strict", "--previous", evidence.out / "evidence.first")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    assert len(re.findall(LOCATED, answer.text, re.M)) >= 3, answer.text


@pytest.mark.groups(OF_THE_VM)
def test_with_a_record_every_10_entries_none_is_later_than_12(evidence: Collected) -> None:
    answer = evidence.verify("every", "04", "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    late = [entries for entries in re.findall(LOCATED, answer.text, re.M) if int(entries) > 12]
    assert late == [], answer.text


@pytest.mark.groups(OF_THE_VM)
def test_after_a_kexec_it_is_the_same_boot_of_the_tpm(evidence: Collected) -> None:
    answer = evidence.verify("second", "02", "--previous", evidence.out / "evidence.every")
    assert answer.status == 0 and "the same boot as the previous evidence" in answer.text, answer.text


@pytest.mark.groups(OF_THE_VM)
def test_an_update_by_others_is_noticed(evidence: Collected) -> None:
    answer = evidence.verify("second", "02", "--previous", evidence.out / "evidence.every")
    assert re.search("^  1 update of PCRs by others", answer.text, re.M), answer.text


@pytest.mark.groups(OF_THE_VM)
def test_it_is_authentic_where_files_are_measured_without_a_pause(evidence: Collected) -> None:
    """The software TPM may be too slow for some extends then; the kernel notices."""
    answer = evidence.verify("busy", "05")
    assert ((answer.status, answer.verdict) == (0, "complete") or answer.status == 1 and
            re.fullmatch("incomplete: [0-9]+ entr[a-z]+ whose extend failed", answer.verdict)), answer.text


@pytest.mark.groups(OF_THE_VM)
def test_with_another_nonce_it_is_not_authentic(evidence: Collected) -> None:
    answer = evidence.verify("second", "01")
    assert answer.status == 4 and answer.verdict.startswith("not authentic"), answer.text


@pytest.mark.groups(OF_THE_VM)
def test_older_than_the_previous_it_is_not_authentic(evidence: Collected) -> None:
    answer = evidence.verify("first", "01", "--previous", evidence.out / "evidence.second")
    assert answer.status == 4 and "older than the previous evidence: " in answer.text, answer.text


@pytest.mark.groups(OF_THE_VM)
def test_an_edited_record_is_noticed(evidence: Collected) -> None:
    edited = evidence.out / "evidence.edited"
    shutil.rmtree(edited, ignore_errors=True)
    shutil.copytree(evidence.out / "evidence.second", edited)
    log = (edited / "log").read_bytes()
    assert b"event=request;pcrUpdateCounter=" in log
    (edited / "log").write_bytes(re.sub(rb"(event=request;pcrUpdateCounter=)[0-9]", rb"\g<1>9", log))
    answer = evidence.verify("edited", "02")
    assert answer.status == 2 and "the template digest is not the digest of the data" in answer.text, answer.text


@pytest.mark.groups(WITHOUT_A_RULE)
def test_without_a_rule_it_is_collected_and_that_is_said(uncounted: Collected) -> None:
    assert uncounted.result.status == 0, uncounted.result.said
    console = uncounted.result.console.read_text(encoding="utf-8", errors="replace")
    assert "the IMA policy has no rule for records" in console


@pytest.mark.groups(WITHOUT_A_RULE)
def test_without_a_rule_it_verifies_outside_and_is_not_counted(uncounted: Collected) -> None:
    answer = uncounted.verify("first", "01")
    assert (answer.status, answer.verdict) == (0, "complete (not counted)"), answer.text


def parts(collected: Collected) -> list[Path]:
    """What the agent deleted, in order."""
    return sorted(collected.out.glob("part.*"), key=lambda path: int(path.suffix[1:]))


@pytest.mark.groups(WHILE_STAGED)
def test_it_is_collected_while_entries_are_deleted(deleting: Collected) -> None:
    assert deleting.result.status == 0, deleting.result.said


@pytest.mark.groups(WHILE_STAGED)
def test_entries_that_are_staged_are_in_it(deleting: Collected) -> None:
    answer = deleting.verify("staged", "01", "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


@pytest.mark.groups(WHILE_STAGED)
def test_entries_that_were_deleted_and_kept_are_a_part(deleting: Collected) -> None:
    answer = deleting.verify("deleted", "02", "--strict", deleting.out / "part.1")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


@pytest.mark.groups(WHILE_STAGED)
def test_an_agent_that_never_rests_does_no_harm(deleting: Collected) -> None:
    """It deleted some number of parts before, and what was staged then is in the evidence."""
    kept = parts(deleting)
    for nonce in ("03", "04", "05"):
        answers = [deleting.verify(f"busy.{nonce}", nonce, "--strict", *kept[:nr]) for nr in range(1, len(kept) + 1)]
        assert [answer.verdict for answer in answers].count("complete") == 1, answers[0].text


@pytest.mark.groups(WHILE_STAGED)
def test_entries_that_were_deleted_unread_are_missed(deleting: Collected) -> None:
    unread = (deleting.out / "unread").read_text(encoding="ascii").strip()
    answer = deleting.verify("unread", "06", *parts(deleting))
    assert answer.status == 1 and answer.verdict.startswith(f"incomplete: {unread} entr"), answer.text
