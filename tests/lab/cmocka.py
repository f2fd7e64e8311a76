# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of the verifier in C: programs of cmocka's."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import sources, tap
from lab.verifier import SOURCE, Verifier


@dataclass(frozen=True)
class Result:
    status: int
    # What the program printed
    text: str
    lines: list[tap.Line]

    @property
    def names(self) -> list[str]:
        return [line.name for line in self.lines]

    def line(self, name: str) -> tap.Line:
        for line in self.lines:
            if line.name == name:
                return line
        raise AssertionError(f"{name} did not run\n{self.text}")


def programs() -> list[Path]:
    return sorted((SOURCE / "tests").glob("test_*.c"))


def cases(source: Path) -> list[str]:
    return sources.cmocka(source)


def diagnostics_first(text: str) -> str:
    """@text with what cmocka prints after the line of a failed test put before it, where it is looked for."""
    lines: list[str] = []
    result = None
    for line in text.splitlines():
        if line.startswith("# ") and result is not None:
            lines.insert(result, line)
            result += 1
            continue
        if line.startswith(("ok ", "not ok ")):
            result = len(lines)
        lines.append(line)
    return "\n".join(lines)


def run(verifier: Verifier, source: Path) -> Result:
    """Run the program of this source, in the folder in which it looks for its lists."""
    environment = {**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP", "IMATALLY": str(verifier.binary)}
    done = subprocess.run([verifier.program(source.stem)], cwd=SOURCE, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
                          check=False)
    return Result(done.returncode, done.stdout, tap.parse(diagnostics_first(done.stdout)))
