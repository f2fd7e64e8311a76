# SPDX-License-Identifier: GPL-2.0-only
"""The TPM driver's account against the TPM: each command that changes PCRs, or might, between two records."""

import re
from dataclasses import dataclass

import pytest

from lab import tap, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST

SCRIPT = GUEST / "commands.sh"


@dataclass(frozen=True)
class Commands(Group):
    banks: str = ""


GROUPS = [
    Commands("commands_one_bank", banks="sha256"),
    Commands("commands_two_banks", banks="sha1,sha256"),
    Commands("commands_four_banks", banks="sha1,sha256,sha384,sha512"),
]


def rows_in(function: str) -> list[str]:
    """The names of the rows in a function of the script."""
    body = re.search(rf"^{function}\(\) \{{\n(.*?)^\}}", SCRIPT.read_text(encoding="utf-8"), re.M | re.S)
    assert body, f"{SCRIPT} has no {function}"
    return re.findall(r"^\trow (\w+) ", body[1], re.M)


def rows(_group: Group) -> list[str]:
    each, only_tpm0 = rows_in("rows_of_each_device"), rows_in("rows_of_tpm0")
    return [f"tpm0.{row}" for row in each + only_tpm0] + [f"tpmrm0.{row}" for row in each]


@dataclass(frozen=True)
class Run:
    status: int
    said: str
    lines: dict[str, tap.Line]


@pytest.fixture
def ran(group: Commands, kernel: Build) -> Run:
    def boot() -> Run:
        out = group.fresh_folder()
        result = vm.run(vm.Machine(kernel.image, out, SCRIPT, banks=group.banks,
                                   append=vm.TCB))
        lines = tap.parse((out / "tap").read_text(encoding="utf-8", errors="replace"))
        return Run(result.status, result.said, {line.name: line for line in lines})

    return once(group.id, boot)


@pytest.mark.groups(GROUPS, rows)
def test_command(ran: Run, line: str) -> None:
    """The counter and the account move alike, and as the specification says."""
    assert line in ran.lines, f"the guest printed no such line; status {ran.status} {ran.said}"
    assert ran.lines[line].ok, ran.lines[line].output


@pytest.mark.groups(GROUPS)
def test_every_line_is_known(ran: Run, group: Commands) -> None:
    assert ran.status == 0, ran.said
    assert sorted(ran.lines) == sorted(rows(group))
