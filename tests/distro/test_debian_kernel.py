# SPDX-License-Identifier: GPL-2.0-only
"""Debian's own kernel has IMA, and neither records nor a list that survives kexec."""

import re
from pathlib import Path

import pytest

from lab import verifier
from lab.distro import Distro

pytestmark = [pytest.mark.distro, pytest.mark.timeout(0)]


@pytest.fixture(scope="module")
def evidence(machine: Distro, enrolled: Path) -> Path:
    return machine.collect("01", "evidence")


def test_firmware_and_grub_have_measured_what_booted(machine: Distro) -> None:
    """GRUB measures its commands and the files that it reads into PCRs 8 and 9."""
    values = re.findall(r": 0x([0-9A-F]{64})$", machine.call("tpm2_pcrread sha256:0,1,4,7,8,9"), re.M)
    assert len(values) == 6 and "0" * 64 not in values


def test_systemd_has_loaded_the_policy(machine: Distro) -> None:
    """It was: the shell that runs this is measured, and there is no built-in policy."""
    measured = machine.call("cat /sys/kernel/security/ima/ascii_runtime_measurements")
    assert "boot_aggregate" in measured.splitlines()[0] and len(measured.splitlines()) > 100
    assert "ima_policy=" not in machine.call("cat /proc/cmdline")


def test_what_runs_before_systemd_is_not_measured(machine: Distro) -> None:
    """The first that would be is the initramfs's /init, which the system itself does not have."""
    measured = machine.call("cat /sys/kernel/security/ima/ascii_runtime_measurements")
    assert "/init" not in [line.split()[4] for line in measured.splitlines()]


def test_evidence_verifies_outside_and_is_not_counted(evidence: Path, enrolled: Path) -> None:
    answer = verifier.call("verify", "--evidence", evidence, "--enrolled", enrolled, "--nonce", "01")
    assert (answer.status, answer.verdict) == (0, "complete (not counted)"), answer.text


def test_boot_pcrs_are_compared(machine: Distro, evidence: Path, enrolled: Path) -> None:
    known = machine.out / "known.txt"
    known.write_text(machine.call("tpm2_pcrread sha256:0,2,4,7"), encoding="ascii")
    verify: list[str | Path] = ["verify", "--evidence", evidence, "--enrolled", enrolled, "--nonce", "01", "--boot-pcrs", known]
    assert verifier.call(*verify).status == 0
    digit = known.read_text(encoding="ascii").rindex("0x") + 2
    text = known.read_text(encoding="ascii")
    known.write_text(text[:digit] + ("1" if text[digit] == "0" else "0") + text[digit + 1:], encoding="ascii")
    answer = verifier.call(*verify)
    assert answer.status == 2 and "what booted is not what is known" in answer.text, answer.text


def test_watch_is_not_started_without_a_kernel_that_has_records(machine: Distro) -> None:
    machine.call("systemctl enable --now imatally-watch")
    assert machine.run("systemctl is-active imatally-watch").stdout.strip() == "inactive"
    assert "condition" in machine.run("systemctl status imatally-watch").stdout
