# SPDX-License-Identifier: GPL-2.0-only
"""A kexec carries the list over: all of it, or as much as fits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import arch as architectures
from lab import image, verifier, vm
from lab.arch import DEFAULT_ARCH
from lab.paths import GUEST


@dataclass(frozen=True)
class Run:
    # How many are measured between load and execute
    files: int
    # Does imatally watch keep a copy of the list meanwhile?
    keeps_copy: bool = False


# Those that the demo shows
RUNS = {"fits": Run(3), "overflow": Run(200), "kept": Run(200, keeps_copy=True)}


@dataclass(frozen=True)
class Carried:
    out: Path
    result: vm.Result

    @property
    def list(self) -> Path:
        return self.out / "list"

    @property
    def ascii(self) -> str:
        return read(self.out / "list.ascii")

    @property
    def prefix(self) -> tuple[Sequence[str], Sequence[str]]:
        """
        The old kernel's list before the kexec, and what the new kernel has of it: their lines.

        What the old kernel measured after the guest looked is not in the first one.
        """
        lines = self.ascii.splitlines()
        start = max(number for number, line in enumerate(lines) if line.endswith(" boot_aggregate"))
        return read(self.out / "before.ascii").splitlines(), lines[:start]

    @property
    def console(self) -> str:
        return read(self.result.console)

    def check_end(self) -> None:
        if self.result.status:
            raise AssertionError(str(self.result))

    @property
    def copy(self) -> Path:
        """Of a run that keeps one."""
        return self.out / "copy"

    def verify(self, *options: str | Path) -> verifier.Answer:
        answer = verifier.verify(self.list, self.out / "pcrs", *options)
        (self.out / "answer").write_text(answer.text, encoding="utf-8")
        return answer

    def count(self) -> tuple[int, int]:
        """
        The entries of the old kernel's list before the kexec, and those of them that arrived.

        Counted in the guest, without the records: what the verifier says is held against it.
        """
        before = int((self.out / "count-before-kexec").read_text(encoding="ascii"))
        # A kernel that logs an event of its own at load logs one at execute too
        before += " kexec_load " in self.ascii
        starts = [number for number, line in enumerate(self.ascii.splitlines()) if line.endswith(" boot_aggregate")]
        # Without its last record
        return before, starts[1] - 1


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def boot(kernel: Path, out: Path, run: Run, policy: str = "", arch: str = DEFAULT_ARCH) -> Carried:
    """Load a kernel, measure files, execute it. The @policy, if any, takes the place of those that are built in."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "files").write_text(f"{run.files}\n", encoding="ascii")
    if run.keeps_copy:
        image.add_programs([verifier.build()], out, architectures.get(arch))
    (out / "policy").write_text(policy, encoding="ascii")
    return Carried(out, vm.run(vm.Machine(kernel=kernel, out=out, script=GUEST / "carry.sh",
                                          append="" if policy else vm.TCB, arch=arch)))


def is_verdict_on_loss(answer: verifier.Answer, missing: int) -> bool:
    return answer.status == 1 and bool(re.match(rf"incomplete: {missing} entries lost\b", answer.verdict))
