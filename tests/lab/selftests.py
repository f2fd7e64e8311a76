# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's selftests of IMA: built for the guest, and run there in variants of TPM, banks, policy and kernel."""

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import arch as architectures
from lab import debian, kernel, sources, tap, verifier, vm
from lab.arch import DEFAULT_ARCH, Arch
from lab.groups import Group
from lab.paths import BUILD, GUEST, SELFTESTS
from lab.vm import TCB
from patchset.console import run_long
from patchset.lock import locked

REPORTS = "WARNING:|Call Trace|INFO: (task|possible)|UBSAN:|BUG: "
OURS = r"(ima|tpm)[0-9]?_"

CRASH_KERNEL = f"{TCB} crashkernel=64M"
COMPLETE: dict[str, Any] = {"verdict": "complete", "options": ("--strict",)}

# Options that leave out tests which don't apply everywhere
NO_TPM = "-T without_a_tpm_the_record_says_so -T without_a_tpm_the_record_has_the_error"
NO_POLICY = "-T without_a_rule_there_is_no_record_and_no_message -T without_a_rule_a_request_finds_nothing"
NO_KEXEC = "-T execute_record_is_the_last_of_its_kernel"
ASKED_FOR = "-T resume_makes_a_record -F not_restarted -T extends_of_the_ima_pcr_are_those_of_others"
# On a machine that has no counter
COUNTED = ("-T has_all_keys_in_order -T entries_are_carried_or_extended -T counter_at_boot_agrees_with_the_tpm "
           "-T banks_are_those_of_the_tpm -T counter_moves_with_the_list -T load_record_agrees_with_the_tpm "
           "-T step_is_one_per_bank -F others -F every_pcr -F violation -T makes_one_record -T neighbouring_records_close")
WITH_RECORDS = f"{NO_TPM} {ASKED_FOR} -F records -F kexec -F request -F others -F every_pcr -F violation"


def fields(**values: Any) -> dict[str, Any]:
    """What several variants have in common: for Variant(**fields)."""
    return values


def build(base: str, arch: str = DEFAULT_ARCH) -> Path:
    """Build the programs from the tree of @base and return their folder. They are the same for all bases."""
    facts = architectures.get(arch)
    out = BUILD / ("selftests" if arch == DEFAULT_ARCH else f"selftests-{arch}")
    with locked(out):
        out.mkdir(exist_ok=True)
        run_long(f"building the selftests ({arch})", [
            "make", "-C", kernel.tree(base) / "tools/testing/selftests/ima", f"OUTPUT={out}", f"ARCH={facts.kernel_arch}",
            f"CC={' '.join(debian.compiler(facts))}", "USERLDFLAGS=-static", "USERCFLAGS=-Werror"])
    return out


def is_selected(name: str, options: list[str]) -> bool:
    """Would a program of the kernel's test harness run the test @name, given these options? See test_enabled() there."""
    fixture, *variant, test = name.split(".")
    value = {"t": test, "f": fixture, "v": variant[0] if variant else "", "r": name}
    has_positive = False
    for option, operand in zip(options[::2], options[1::2], strict=True):
        letter = option.lstrip("-")
        has_positive |= letter.islower()
        if value[letter.lower()] == operand:
            return letter.islower()
    return not has_positive


@dataclass(frozen=True)
class Variant(Group):
    """A machine, and which of the selftests apply there. One that skips itself is a failure: the variant knows."""
    programs: tuple[str, ...] = ("update_counter_test", "request_test")
    # Options of the programs that leave out what does not apply, in the first boot and in later ones
    skip: str = ""
    skip2: str | None = None
    # A command in the guest before the kexec, and one that runs the programs; see tests/guest/selftests.sh
    before: str = "true"
    around: str = ""
    boots: int = 2
    # What the programs find in their environment
    settings: str = "KERNEL_IMAGE=/boot/kernel EXTEND_PCRS=1 EXTEND_ALL_PCRS=1"

    append: str = TCB
    mem: int = 512
    tpm: str = ""
    tpm12: bool = False
    banks: str | None = None
    timeout: float = 300

    # What the verifier answers about the list of the last boot: a pattern of all its verdict, the status, options
    verdict: str | None = None
    status: int = 0
    options: tuple[str, ...] = ()
    # What the kernel's log may not have
    reports: str = REPORTS

    def fits(self, machine: Arch) -> bool:
        devices = machine.tpm12 if self.tpm12 else machine.tpm
        has_tpm = self.tpm in (*devices, "none") or not self.tpm and bool(devices)
        return super().fits(machine) and has_tpm and (machine.sleeps or "SUSPEND=1" not in self.settings) and \
            (machine.limits_command_line or self.before != "fail_to_load")

    def selected(self) -> Iterator[tuple[int, str, str]]:
        """The tests that run: boot, program, name."""
        for boot in range(1, self.boots + 1):
            skip = self.skip if boot == 1 or self.skip2 is None else self.skip2
            for program in self.programs:
                for name in sources.kselftest(SELFTESTS / f"{program}.c"):
                    if is_selected(name, skip.split()):
                        yield boot, program, name

    def lines(self) -> list[str]:
        return [line_name(boot, name) for boot, _, name in self.selected()]

    def text(self) -> str:
        """For the guest."""
        said = {"tests": " ".join(self.programs), "skip": self.skip,
                "skip2": self.skip if self.skip2 is None else self.skip2, "before": self.before,
                "around": self.around, "boots": str(self.boots), "settings": self.settings}
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in said.items())


def line_name(boot: int, name: str) -> str:
    return f"boot{boot}-{name}"


@dataclass(frozen=True)
class Ran:
    """What is left of a variant that has run."""
    variant: Variant
    result: vm.Result
    # By line_name()
    lines: dict[str, tap.Line]
    # Names that were printed more than once
    repeated: list[str]

    @property
    def folder(self) -> Path:
        return self.variant.folder

    @property
    def list(self) -> Path:
        return self.folder / "list"

    @property
    def console(self) -> str:
        return self.result.console.read_text(encoding="utf-8", errors="replace")

    def pcrs(self) -> Path:
        """The PCR values; without those of PCRs 0 to 9 if a test extended them: boot aggregates are of those before."""
        path = self.folder / "pcrs"
        extended = "request_test" in self.variant.programs and "EXTEND_ALL_PCRS=1" in self.variant.settings
        if not extended or not path.exists():
            return path
        kept = path.with_name("pcrs.without_boot")
        kept.write_text(re.sub(r"^ +[0-9] *:.*\n", "", path.read_text(encoding="ascii"), flags=re.M), encoding="ascii")
        return kept

    @cached_property
    def answer(self) -> verifier.Answer:
        answer = verifier.verify(self.list, self.pcrs(), *self.variant.options)
        (self.folder / "answer").write_text(answer.text, encoding="utf-8")
        return answer

    def check_end(self) -> None:
        assert self.result.status == 0, str(self.result)

    def check_line(self, name: str) -> None:
        assert name in self.lines, f"it did not run\n{self.result}"
        line = self.lines[name]
        assert line.ok, line.output
        assert line.skip is None, f"skipped itself: {line.skip}"

    def check_all_known(self) -> None:
        assert sorted(self.lines) == sorted(self.variant.lines())
        assert not self.repeated

    def check_verdict(self, pattern: str | None = None, status: int | None = None) -> None:
        """What the verifier answers, and with which status."""
        pattern = self.variant.verdict if pattern is None else pattern
        assert pattern is not None
        assert re.fullmatch(pattern, self.answer.verdict), self.answer.text
        assert self.answer.status == (self.variant.status if status is None else status), self.answer.text

    def check_log(self) -> None:
        found = reported(self.console, self.variant.reports)
        assert not found, "\n".join(found)
        self.check_leaks()

    def check_leaks(self) -> None:
        """A kernel that looks for leaked memory has found none of ours."""
        for file in sorted(self.folder.glob("leaks.*")):
            blocks = file.read_text(encoding="utf-8", errors="replace").split("unreferenced object")
            ours = [block for block in blocks if re.search(OURS, block)]
            assert not ours, "unreferenced object".join(["", *ours])


def reported(console: str, pattern: str = REPORTS) -> list[str]:
    """Warnings and bugs in the kernel's log. KCSAN finds races in all of the kernel: ours name IMA or the TPM."""
    found = [line for line in console.splitlines() if re.search(pattern, line) and "BUG: KCSAN" not in line]
    return found + [block for block in re.split("=====+", console) if "BUG: KCSAN" in block and re.search(OURS, block)]


def run(variant: Variant, programs: Path) -> Ran:
    folder = variant.fresh_folder()
    for program in variant.programs:
        shutil.copy(programs / program, folder)
    (folder / "variant").write_text(variant.text(), encoding="utf-8")
    result = vm.run(vm.Machine(
        kernel=variant.kernel().image, out=folder, script=GUEST / "selftests.sh", append=variant.append, mem=variant.mem,
        tpm=variant.tpm, tpm12=variant.tpm12, banks=variant.banks, timeout=variant.timeout, arch=variant.arch))
    lines: dict[str, tap.Line] = {}
    count: Counter[str] = Counter()
    for boot in range(1, variant.boots + 1):
        for program in variant.programs:
            file = folder / f"tap.{boot}.{program}"
            for line in tap.parse(file.read_text(encoding="utf-8", errors="replace")) if file.exists() else ():
                lines[line_name(boot, line.name)] = line
                count[line_name(boot, line.name)] += 1
    return Ran(variant, result, lines, [name for name, number in count.items() if number > 1])
