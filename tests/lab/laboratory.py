# SPDX-License-Identifier: GPL-2.0-only
"""A checkout of the series to break, and what is known from earlier runs of the tests on it."""

from pathlib import Path

from lab import session
from lab.built import digest
from lab.paths import BUILD, TOP
from patchset.git import git
from patchset.tree import series_ref, tree

DEPENDS_ON = ("tests/conftest.py", "tests/fault-rows", "tests/lab/**/*.py", "tests/guest/*", "tests/configs/*",
              "tests/kernel/*.py", "tools/ima/include/*", "tools/ima/lib/*", "tools/ima/programs/*")
"""The files, beside the kernel's, whose change may let a mutant survive."""


class Laboratory:
    """
    Of the tests of a group, which may run beside others.

    The kernels of the checkout are built beside it, each configuration in one folder.
    """

    def __init__(self, base: str, name: str):
        self.base = base
        origin = tree(base)
        self.known = BUILD / base / name
        self.checkout = self.known / "linux"
        if not (self.checkout / "Makefile").exists():
            git(origin, "worktree", "prune")
            git(origin, "worktree", "add", "--quiet", "--force", "--detach", self.checkout, series_ref(base))
        git(self.checkout, "checkout", "--quiet", "--force", "--detach", series_ref(base))
        git(self.checkout, "clean", "-dfq")
        series = git(origin, "rev-parse", f"{series_ref(base)}^{{tree}}")
        files = sorted(file for pattern in DEPENDS_ON for file in TOP.glob(pattern) if file.is_file())
        self.tests = digest(series, *(file.read_bytes() for file in files))

    def mend(self) -> None:
        git(self.checkout, "checkout", "--quiet", ".")

    def is_known(self, result: str, key: str) -> bool:
        file = self.known / result
        return file.exists() and file.read_text(encoding="ascii") == key

    def remember(self, result: str, key: str) -> None:
        (self.known / result).write_text(key, encoding="ascii")

    def run(self, expression: str, out: Path, *options: str) -> session.Session:
        return session.run(expression, out, "--base", self.base, "--checkout", self.checkout, *options)

    def unbroken(self, expression: str, out: Path) -> None:
        """The tests pass on the kernel as it is. If not, their failure would prove nothing."""
        passed = f"unbroken-{digest(expression)[:16]}.passed"
        if self.is_known(passed, self.tests):
            return
        self.mend()
        done = self.run(expression, out)
        assert done.all_passed, f"{expression!r} does not pass without a mutant either:\n{done.output}"
        self.remember(passed, self.tests)
