# SPDX-License-Identifier: GPL-2.0-only
"""One machine for each suite, which all tests here use in the order of their files, and leave their traces on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import distro, verifier
from lab.distro import AK, Distro
from lab.paths import BUILD, GUEST
from patchset.lock import locked


def verifier_package() -> Path:
    with locked(BUILD / "deb"):
        verifier.PLAIN.make("building the verifier's packages", "deb")
        path, = (BUILD / "deb").glob("imatally_*.deb")
    return path


@pytest.fixture(scope="session", params=distro.STOCK)
def machine(request: pytest.FixtureRequest) -> Iterator[Distro]:
    """It has Debian's kernel, imatally and a policy, and was restarted since."""
    verifier.build()
    with Distro(request.param, BUILD / "check" / "distro" / request.param) as machine:
        machine.install(verifier_package())
        machine.call("mkdir -p /etc/ima")
        machine.copy(str(GUEST / "ima-policy"), ":/etc/ima/ima-policy")
        machine.call("update-grub")
        machine.restart("systemctl reboot")
        yield machine


@pytest.fixture(scope="session")
def enrolled(machine: Distro) -> Path:
    """What the verifier has to keep."""
    machine.call(f"imatally collect --create-ak ak.pem --ak {AK}")
    return machine.enroll()
