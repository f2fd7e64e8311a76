# SPDX-License-Identifier: GPL-2.0-only
"""Policies, templates and hashes that people use: the list verifies, and the records close."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab import selftests, verifier, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST

RECORDS = "ima_policy=critical_data"
DIGEST = {"sha1": 40, "sha512": 128}


@dataclass(frozen=True)
class Policy(Group):
    append: str = "ima_policy=tcb"
    # A function of tests/guest/policies.sh, which does what this is about
    step: str = "measure"
    # Patterns of lines of the list in ASCII which show that it was done
    lines: tuple[str, ...] = (r"/ramfs/measured$",)


def template(name: str, digest: str) -> Policy:
    """@digest: how it begins in this template."""
    return Policy(f"policy_template_{name}", append=f"ima_policy=tcb ima_template={name}",
                  lines=(rf" {name} {digest}:[0-9a-f]{{64}} /ramfs/measured( |$)",))


def of_hash(name: str) -> Policy:
    return Policy(f"policy_hash_{name}", append=f"ima_policy=tcb ima_hash={name}",
                  lines=(rf" ima-ng {name}:[0-9a-f]{{{DIGEST[name]}}} /ramfs/measured$",))


TABLE = [
    Policy("policy_tcb"),
    Policy("policy_critical_data", append="", lines=()),
    Policy("policy_unsigned", append="", step="policy_unsigned"),
    template("ima-sig", "sha256"),
    template("ima-ngv2", "ima:sha256"),
    template("ima-sigv2", "ima:sha256"),
    template("evm-sig", "sha256"),
    of_hash("sha1"),
    of_hash("sha512"),
]
# One base is enough to see in each check
POLICIES = [replace(policy, bases=(base,), set=smallest)
            for base, smallest in (("6.12", "check"), ("7.3", "full")) for policy in TABLE]


@dataclass(frozen=True)
class Booted:
    policy: Policy
    result: vm.Result

    @property
    def ascii(self) -> Sequence[str]:
        return (self.policy.folder / "list.ascii").read_text(encoding="utf-8", errors="replace").splitlines()

    @property
    def console(self) -> str:
        return self.result.console.read_text(encoding="utf-8", errors="replace")

    def verify(self) -> verifier.Answer:
        return verifier.verify(self.policy.folder / "list", self.policy.folder / "pcrs", "--strict")


def boot(policy: Policy, kernel: Build) -> Booted:
    out = policy.fresh_folder()
    (out / "step").write_text(f"{policy.step}\n", encoding="ascii")
    return Booted(policy, vm.run(vm.Machine(kernel.image, out, GUEST / "policies.sh",
                                            append=f"{policy.append} {RECORDS}")))


@pytest.fixture
def booted(group: Policy, kernel: Build, imatally: Path) -> Booted:
    return once(group.id, lambda: boot(group, kernel))


@pytest.mark.groups(POLICIES)
def test_it_does_what_the_policy_says(booted: Booted) -> None:
    assert booted.result.status == 0, str(booted.result)
    for pattern in booted.policy.lines:
        assert any(re.search(pattern, line) for line in booted.ascii), f"no line has {pattern!r}"


@pytest.mark.groups(POLICIES)
def test_list_is_carried_over(booted: Booted) -> None:
    assert booted.result.boots == 2, str(booted.result)


@pytest.mark.groups(POLICIES)
def test_list_verifies_and_records_close(booted: Booted) -> None:
    answer = booted.verify()
    assert (answer.status, answer.verdict) == (0, "complete"), answer.text
    assert answer.says(r"^list: \d+ entries, [78] records, 2 kernels"), answer.text


@pytest.mark.groups(POLICIES)
def test_no_warning_or_bug_in_the_kernel_log(booted: Booted) -> None:
    found = selftests.reported(booted.console)
    assert not found, "\n".join(found)
