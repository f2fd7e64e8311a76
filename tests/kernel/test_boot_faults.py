# SPDX-License-Identifier: GPL-2.0-only
"""The TPM fails while the machine boots: the rows of tests/boot-fault-rows, and one error at each command of the boot."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import verifier, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST, TOP
from lab.selftests import TCB


@dataclass(frozen=True)
class Row(Group):
    """See the head of tests/boot-fault-rows."""

    faults: str = ""
    lacks: str = ""
    has: str = ""
    verdict: str = ""


def read(table: Path) -> list[Row]:
    rows = []
    for line in table.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, faults, lacks, has, verdict = (column.strip() for column in line.split("|"))
            rows.append(Row(f"boot_fault_{name}", faults=faults, lacks=lacks, has=has, verdict=verdict))
    return rows


ROWS = read(TOP / "tests" / "boot-fault-rows")
ANY = [Row("boot_fault_at_any_command", set="full")]

# What a record has in any case, and what it has without a fault
ALWAYS = ["version", "event", "entries", "carried", "trimmed", "extends", "failed", "dropped", "unread", "protected"]
DRIVER = ["updates", "uncertain", "banks"]
READ = ["pcrUpdateCounter", "step", "resets", "restarts", "before", "pcr"]


@dataclass(frozen=True)
class Boot:
    result: vm.Result
    out: Path

    @property
    def record(self) -> dict[str, str]:
        """The record at boot."""
        found = re.search(rb"version=1;event=boot;[ -~]*;", (self.out / "list").read_bytes())
        assert found, f"no record\n{self.result}"
        return dict(pair.split("=", 1) for pair in found[0].decode("ascii").rstrip(";").split(";"))

    @property
    def text(self) -> str:
        return "".join(f";{key}={value}" for key, value in self.record.items()) + ";"

    @property
    def commands(self) -> list[str]:
        """Those of the boot."""
        lines = (self.out / "commands").read_text(encoding="utf-8").splitlines()
        return lines[:lines.index("mark user")]

    def verify(self) -> verifier.Answer:
        return verifier.verify(self.out / "list", self.out / "pcrs")


def boot(kernel: Path, out: Path, faults: str) -> Boot:
    out.mkdir(parents=True, exist_ok=True)
    (out / "faults").write_text("".join(f"{line}\n" for line in faults.split(";") if line), encoding="ascii")
    return Boot(vm.run(vm.Machine(kernel, out, GUEST / "boot-faults.sh", faults=True, append=TCB)), out)


@pytest.fixture
def booted(group: Row, kernel: Build, imatally: Path) -> Boot:
    return once(group.id, lambda: boot(kernel.image, group.fresh_folder(), group.faults))


@pytest.mark.groups(ROWS)
def test_each_fault_happened(group: Row, booted: Boot) -> None:
    assert booted.result.status == 0, str(booted.result)
    happened = [line.partition("  # ")[2] for line in booted.commands]
    assert [line for line in happened if line] == [line for line in group.faults.split(";") if line]


@pytest.mark.groups(ROWS)
def test_record_lacks_what_was_not_read_and_has_the_rest(group: Row, booted: Boot) -> None:
    lacks = group.lacks.split()
    assert sorted(booted.record.keys() - {"error"}) == sorted({*ALWAYS, *DRIVER, *READ} - set(lacks))
    assert group.has in booted.text


@pytest.mark.groups(ROWS)
def test_verdict(group: Row, booted: Boot) -> None:
    answer = booted.verify()
    assert f"{answer.verdict.partition(':')[0]} {answer.status}" == group.verdict, answer.text


@pytest.mark.timeout(7200)
@pytest.mark.groups(ANY)
def test_one_error_at_any_command_leaves_a_record(group: Row, kernel: Build, imatally: Path) -> None:
    """The record has what does not need the command, and what it has is what was measured."""
    folder = group.fresh_folder()
    commands = boot(kernel.image, folder / "none", "").commands
    wrong = []
    for number, command in enumerate(commands, 1):
        got = boot(kernel.image, folder / str(number), f"error any:{number} 101")
        try:
            keys = got.record.keys()
            is_registered = got.record.get("error") != "ENODEV"
            # The kernel extends none if it could not ask which there are
            has_banks = got.record.get("banks") != "0"
            expected = set(ALWAYS)
            if "pcrUpdateCounter" not in keys:
                expected.add("error")
            elif has_banks:
                expected.add("pcr")
            # A chip that could not be registered has no account either
            if is_registered:
                expected |= set(DRIVER)
            assert expected <= keys, f"lacks {expected - keys}"
            # One error is one answer
            lost = [names for names in (["pcrUpdateCounter"], ["resets", "restarts"]) if names[0] not in keys]
            assert len(lost) <= 1 or not is_registered, got.text
            # Without the chip there are no PCR values to verify with
            if is_registered:
                answer = got.verify()
                assert answer.status in ((0, 1) if has_banks else (2,)), answer.text
        except AssertionError as error:
            wrong.append(f"{number} ({command}): {error}")
    assert not wrong, "\n".join(wrong)
    assert len(commands) > 10
