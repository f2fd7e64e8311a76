# SPDX-License-Identifier: GPL-2.0-only
"""Tell which lines of the series have run in kernels built with tests/configs/gcov.config.

The counts of a kernel that executes another one are lost with it. For the lines that run then, as for those that no
test can reach, tests/coverage.explained gives the reason.
"""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lab.kernel import changed_lines
from patchset.tree import base_ref, series_ref

UNCOUNTED = "runs:"
"""What the explanation of a line begins with that does run, in a kernel whose counts are lost."""


@dataclass(frozen=True)
class Explanation:
    """Why lines do not run: those of a function that contain a text."""

    file: str
    function: str
    text: str
    why: str


@dataclass
class Function:
    """The lines of the series in a function: line number to how often it has run."""

    file: str
    name: str
    lines: dict[int, int] = field(default_factory=dict)

    @property
    def run(self) -> int:
        return sum(1 for count in self.lines.values() if count)


@dataclass
class Coverage:
    functions: list[Function] = field(default_factory=list)
    missed: list[tuple[Function, int, str, str | None]] = field(default_factory=list)
    """Each line that was not counted: function, line number, text, and why, None if nothing explains it."""

    @property
    def lines(self) -> int:
        return sum(len(function.lines) for function in self.functions)

    @property
    def uncounted(self) -> int:
        """How many lines have run according to their explanation alone."""
        return sum(1 for *_, why in self.missed if why and why.startswith(UNCOUNTED))

    @property
    def run(self) -> int:
        return sum(function.run for function in self.functions) + self.uncounted

    @property
    def share(self) -> float:
        """The share of lines that have run, in per cent."""
        return 100 * self.run / self.lines

    @property
    def unexplained(self) -> list[str]:
        return [f"{function.file}:{line}: {text} (in {function.name})"
                for function, line, text, why in self.missed if not why]

    def table(self) -> str:
        rows = [f"{'function':<38} {'lines':>5} {'run':>5}  file"]
        for function in self.functions:
            rows.append(f"{function.name:<38} {len(function.lines):5d} {function.run:5d}  {function.file}")
            rows += [f"    {line}: {text}\n        {why or 'NOT EXPLAINED'}"
                     for of, line, text, why in self.missed if of is function]
        rows.append(f"\n{self.run} of {self.lines} lines have run, {self.share:.1f} %, {self.uncounted} of them not "
                    f"counted; {len(self.unexplained)} are not explained")
        return "\n".join(rows)


def added_lines(tree: Path, base: str) -> set[tuple[str, int]]:
    """Return the lines that the series has added or changed, as (file, number). Tests are left out."""
    return {(file, number) for file, number in changed_lines(tree, base_ref(base), series_ref(base))
            if not file.startswith("tools/") and not re.search(r"[-_]test\.c$", file)}


def counts(tree: Path, folder: Path) -> Counter[tuple[str, str, int]]:
    """Return how often each line has run, by file, function and line: the sum over all VMs below a folder."""
    total: Counter[tuple[str, str, int]] = Counter()
    for data in sorted(folder.glob("**/gcov.*/**/*.gcda")):
        # Below gcov.N is the absolute path of the object, where the compiler left its notes. gcov wants them together.
        notes = data.with_suffix(".gcno")
        if not os.path.lexists(notes):
            original = re.split(r"/gcov\.\d+/", str(notes))[1]
            notes.symlink_to("/" + original)
        found = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=data.parent, check=True)
        report = json.loads(found.stdout)
        for file in report["files"]:
            name = os.path.relpath(os.path.join(report["current_working_directory"], file["file"]), tree)
            for line in file["lines"]:
                if line.get("function_name"):
                    total[(name, line["function_name"], line["line_number"])] += line["count"]
    return total


def explanations(path: Path) -> list[Explanation]:
    """Read tests/coverage.explained."""
    return [Explanation(*(part.strip() for part in line.split("|")))
            for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")]


def measure(tree: Path, base: str, folder: Path, explained: Iterable[Explanation]) -> Coverage:
    """
    Say which lines of the series have run.

    tree is the source of base with the series, folder is where the VMs left what their kernels counted.
    """
    added = added_lines(tree, base)
    functions: dict[tuple[str, str], Function] = {}
    for (file, name, line), count in counts(tree, folder).items():
        if (file, line) in added:
            function = functions.setdefault((file, name), Function(file, name))
            function.lines[line] = function.lines.get(line, 0) + count

    explained = list(explained)
    coverage = Coverage([functions[key] for key in sorted(functions)])
    for function in coverage.functions:
        source = (tree / function.file).read_text(encoding="utf-8").splitlines()
        for line in sorted(line for line, count in function.lines.items() if not count):
            text = source[line - 1]
            why = next((e.why for e in explained
                        if (e.file, e.function) == (function.file, function.name) and e.text in text), None)
            coverage.missed.append((function, line, text.strip(), why))
    return coverage
