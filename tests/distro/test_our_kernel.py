# SPDX-License-Identifier: GPL-2.0-only
"""The kernel with the series, as a package that apt installs and removes again."""

import re
from pathlib import Path

import pytest

from lab import ear, kernel_package, verifier
from lab.distro import Distro
from patchset.patches import DEFAULT_BASE

pytestmark = [pytest.mark.distro, pytest.mark.timeout(0)]

LOAD = "kexec -s -l /boot/vmlinuz-$(uname -r) --initrd /boot/initrd.img-$(uname -r) --reuse-cmdline"


@pytest.fixture(scope="session")
def ours(machine: Distro, enrolled: Path) -> Distro:
    """It runs the kernel with the series, and the watch."""
    package = kernel_package.build(DEFAULT_BASE)
    machine.install(package)
    # GRUB takes Debian's own for the newer one: "+deb12" sorts behind "-pcrcounter"
    version = package.name.removeprefix("linux-image-").partition("_")[0]
    entry = f"Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux {version}"
    machine.call(f"sed -i 's|^GRUB_DEFAULT=.*|GRUB_DEFAULT=\"{entry}\"|' /etc/default/grub && update-grub")
    machine.restart("systemctl reboot")
    return machine


@pytest.fixture(scope="session")
def before(ours: Distro) -> Path:
    return ours.collect("11", "before")


@pytest.fixture(scope="session")
def after(ours: Distro, before: Path) -> Path:
    """After a kexec at once, as the documents advise."""
    ours.restart(f"{LOAD} && systemctl kexec")
    return ours.collect("12", "after")


@pytest.fixture(scope="session")
def cut(ours: Distro, after: Path) -> Path:
    """
    After a kexec that takes away what was measured since the load, but for the copy.

    What systemd executes after the last copy is measured before it, because the file is read.
    """
    ours.call(LOAD)
    ours.call("cat /usr/bin/umount /usr/lib/systemd/systemd-shutdown >/dev/null")
    ours.call("for i in $(seq 60); do echo $i >/root/measured.$i; cat /root/measured.$i; done >/dev/null")
    ours.restart("systemctl kexec")
    ours.copy(":/var/lib/imatally", str(ours.out / "copy"))
    return ours.collect("13", "cut")


def test_apt_has_installed_a_kernel_that_boots(ours: Distro) -> None:
    assert ours.call("uname -r").strip().endswith("-pcrcounter")


def test_watch_is_active(ours: Distro) -> None:
    assert ours.call("systemctl is-active imatally-watch").strip() == "active"


def test_evidence_is_complete(before: Path, enrolled: Path) -> None:
    answer = verifier.call("verify", "--evidence", before, "--enrolled", enrolled, "--nonce", "11", "--strict")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_evidence_after_a_kexec_at_once_is_complete(before: Path, after: Path, enrolled: Path) -> None:
    answer = verifier.call("verify", "--evidence", after, "--previous", before, "--enrolled", enrolled, "--nonce", "12")
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text


def test_a_late_kexec_cuts_the_list(cut: Path, enrolled: Path) -> None:
    answer = verifier.call("verify", "--evidence", cut, "--enrolled", enrolled, "--nonce", "13")
    assert answer.status == 1 and answer.says(r"^verdict: incomplete: [0-9]+ entries lost"), answer.text


def test_the_copy_puts_entries_back(ours: Distro, cut: Path, enrolled: Path) -> None:
    key = ear.make_key(*ear.KEYS["ES256"], ours.out / "ear.pem")
    token, figures = ours.out / "host.jwt", ours.out / "imatally.prom"
    answer = verifier.call("verify", "--evidence", cut, "--enrolled", enrolled, "--nonce", "13", "--with", ours.out / "copy",
                           "--ear", token, "--ear-key", key, "--metrics", figures)
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    assert answer.says(r"^  [0-9]+ entries put back from "), answer.text
    claims = ear.claims(token.read_text(encoding="ascii").strip(), ear.public(key), "ES256")
    assert claims["submods"]["ima"]["ear_verifier_claims"]["imatally"]["verdict"] == "complete"
    assert re.search(r'^imatally_lists\{verdict="complete"\} 1$', figures.read_text(encoding="ascii"), re.M)


def test_apt_removes_the_kernel_again(ours: Distro, cut: Path) -> None:
    """The last test: the machine runs Debian's kernel then."""
    version = ours.call("uname -r").strip()
    ours.call("sed -i 's|^GRUB_DEFAULT=.*|GRUB_DEFAULT=0|' /etc/default/grub")
    ours.call(f"DEBIAN_FRONTEND=noninteractive apt-get --yes purge linux-image-{version}")
    assert version not in ours.call("ls /boot")
    ours.restart("systemctl reboot")
    assert ours.call("uname -r").strip() != version
