# SPDX-License-Identifier: GPL-2.0-only
"""Runs a selection of the tests in a pytest of its own: for tests of the tests, and for what uses their results."""

import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from lab.arch import DEFAULT_ARCH
from lab.paths import TOP
from patchset.console import dying_with_parent

NOT_AGAIN = ("test_mutants.py", "test_drawn_mutants.py", "test_coverage.py")
# What says that a test could not be run, in place of a result
NOT_RUN = re.compile(r"\b(console\.Failed|CannotRun|BadMachine|Failed: Timeout)\b")


@dataclass
class Session:
    # What pytest printed
    output: str
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    # Tests whose kernel was not built, or whose machine could not be run
    not_run: list[str] = field(default_factory=list)

    @property
    def all_passed(self) -> bool:
        return bool(self.passed) and not self.failed and not self.not_run


def results(junit: Path, output: str) -> Session:
    session = Session(output)
    if not junit.exists():
        return session
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        name = case.get("name", "")
        problem = case.find("error") if case.find("failure") is None else case.find("failure")
        if problem is None:
            session.passed += [name] if case.find("skipped") is None else []
        elif NOT_RUN.search(problem.get("message", "")):
            session.not_run.append(name)
        else:
            session.failed.append(name)
    return session


def run(expression: str, out: Path, *options: str | Path, arch: str = DEFAULT_ARCH) -> Session:
    """
    Run the tests of kernels that a -k expression selects, from all sets; what they leave comes to @out.

    But for those that do the same themselves.
    """
    # Not what the pytest that runs this has told its own processes
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    out.mkdir(parents=True, exist_ok=True)
    junit = out / "junit.xml"
    junit.unlink(missing_ok=True)
    tests = TOP / "tests" / "kernel"
    argv = ["/usr/bin/python3", "-m", "pytest", tests, "-k", expression,
            *(f"--ignore={tests / name}" for name in NOT_AGAIN), "--out", out, "--arch", arch, *options]
    done = subprocess.run(dying_with_parent(argv), cwd=TOP, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    output = f"{done.stdout}\n(pytest ended with status {done.returncode})\n"
    (out / "output").write_text(output, encoding="utf-8")
    return results(junit, output)
