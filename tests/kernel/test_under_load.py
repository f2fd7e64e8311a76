# SPDX-License-Identifier: GPL-2.0-only
"""
What happens while files are measured, PCRs are extended and records are made.

What a record costs the others, a kexec, and a machine that dies.
"""

import os
import random
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import verifier, vm
from lab.groups import Group, once
from lab.kernel import Build
from lab.paths import GUEST
from lab.selftests import reported

# ---- What a record costs the list, whose lock is held meanwhile

COST = [Group("fault_cost")]
RECORDS, FILES = 10, 40


def between(log: Path, start: str, end: str) -> list[str]:
    """The commands that the TPM got between two marks."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return lines[lines.index(f"mark {start}") + 1:lines.index(f"mark {end}")]


@pytest.fixture
def commands(group: Group, kernel: Build) -> Path:
    """The log of all commands."""
    def boot() -> Path:
        out = group.fresh_folder()
        (out / "settings").write_text(f"RECORDS={RECORDS} FILES={FILES}\n", encoding="utf-8")
        result = vm.run(vm.Machine(kernel.image, out, GUEST / "cost.sh", append=vm.TCB, faults=True))
        assert result.status == 0, result.said
        return out / "commands"

    return once(group.id, boot)


@pytest.mark.groups(COST)
def test_a_record_costs_a_read_and_an_extend(commands: Path) -> None:
    assert between(commands, "record", "entry") == ["PCR_Read", "PCR_Extend"]


@pytest.mark.groups(COST)
def test_another_entry_costs_an_extend(commands: Path) -> None:
    assert between(commands, "entry", "load") == ["PCR_Extend"]


@pytest.mark.groups(COST)
def test_under_load_no_command_comes_between_the_two(commands: Path) -> None:
    sent = between(commands, "load", "end")
    assert [after for command, after in zip(sent, sent[1:]) if command == "PCR_Read"] == RECORDS * ["PCR_Extend"]


@pytest.mark.groups(COST)
def test_under_load_there_are_no_other_commands(commands: Path) -> None:
    sent = between(commands, "load", "end")
    assert (sent.count("PCR_Read"), sent.count("PCR_Extend")) == (RECORDS, RECORDS + FILES)


# ---- Three kexecs in a row, each with TPM commands in flight

KEXEC = [Group("fault_kexec_in_flight")]


@dataclass(frozen=True)
class Kexec:
    names: list[str]
    """Those of the list's events, in order."""
    answer: verifier.Answer
    result: vm.Result


@pytest.fixture
def kexec(group: Group, kernel: Build, selftest_programs: Path, imatally: Path) -> Kexec:
    def boot() -> Kexec:
        out = group.fresh_folder()
        shutil.copy(selftest_programs / "load_test", out)
        result = vm.run(vm.Machine(kernel.image, out, GUEST / "kexec-in-flight.sh", append=vm.TCB, mem=768))
        assert result.status == 0, result.said
        return Kexec((out / "names").read_text(encoding="utf-8").splitlines(),
                     verifier.verify(out / "list", out / "pcrs"), result)

    return once(group.id, boot)


@pytest.mark.groups(KEXEC)
def test_in_flight_each_kernel_ends_with_a_record(kexec: Kexec) -> None:
    ends = [name for name, after in zip(kexec.names, kexec.names[1:]) if after == "boot_aggregate"]
    assert ends == 3 * ["pcr_counter"]


@pytest.mark.groups(KEXEC)
def test_in_flight_the_list_is_complete_or_the_records_say_what_was_cut(kexec: Kexec) -> None:
    """What was sent after the execute record has no explanation: that is a finding, and no other verdict."""
    assert (kexec.answer.status == 0 and kexec.answer.verdict == "complete" or kexec.answer.status == 1 and
            re.fullmatch(r"incomplete: [0-9]+ entr(y|ies) lost", kexec.answer.verdict)), kexec.answer.text


@pytest.mark.groups(KEXEC)
def test_in_flight_all_that_the_tpm_acknowledged_is_counted(kexec: Kexec) -> None:
    assert not re.search("fewer than were made|contradict", kexec.answer.text), kexec.answer.text


@pytest.mark.groups(KEXEC)
def test_in_flight_nothing_is_measured_after_the_record_at_execute(kexec: Kexec) -> None:
    assert not re.search(r"lost between entry [0-9]+ \(kexec_execute\)", kexec.answer.text), kexec.answer.text


@pytest.mark.groups(KEXEC)
def test_in_flight_there_is_no_warning_in_the_kernel_log(kexec: Kexec) -> None:
    assert reported(kexec.result.console.read_text(encoding="utf-8", errors="replace")) == []


# ---- The machine dies while it hands over list and PCRs, again and again

KILLED = [Group("fault_killed", bases=("6.12",))]
# Of each kind
KILLS = int(os.environ.get("KILLS", "2"))


def at_any_time(_group: Group) -> list[str]:
    return [f"at_any_time_{number}" for number in range(1, KILLS + 1)]


def while_writing(_group: Group) -> list[str]:
    return [f"while_writing_{number}" for number in range(1, KILLS + 1)]


def machines(group: Group) -> list[str]:
    return at_any_time(group) + while_writing(group)


def has_text(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


@pytest.fixture
def killed(group: Group, line: str, kernel: Build, selftest_programs: Path, imatally: Path) -> Path:
    """The folder of a machine that died: list and pcrs are complete there, list.new was being written."""
    def boot() -> Path:
        out = group.folder / line
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        shutil.copy(selftest_programs / "load_test", out)
        seconds = random.uniform(0, 3)
        with vm.running(vm.Machine(kernel.image, out, GUEST / "killed.sh", append=vm.TCB, mem=768)) as (qemu, _):
            def wait_for(name: str) -> None:
                while not has_text(out / name):
                    assert qemu.poll() is None, f"the machine ended before it wrote {name}"
                    time.sleep(0.001)

            wait_for("pcrs")
            time.sleep(seconds)
            if line in while_writing(group):
                wait_for("list.new")
            assert qemu.poll() is None, "the machine ended before it was killed"
            qemu.kill()
        print(f"killed {seconds:.3f} s or more after it handed over the first list")
        return out

    return once((group.id, line), boot)


@pytest.mark.groups(KILLED, machines)
def test_killed_what_was_handed_over_is_complete(killed: Path) -> None:
    answer = verifier.verify(killed / "list", killed / "pcrs")
    assert answer.status == 0, answer.text


@pytest.mark.groups(KILLED, while_writing)
def test_killed_what_was_being_handed_over_gets_an_answer(killed: Path) -> None:
    if not (killed / "list.new").exists():
        pytest.skip("it finished the list before it died")
    answer = verifier.verify(killed / "list.new", killed / "pcrs")
    assert answer.status in (0, 1, 2, 3), answer.text
