# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of the verifier have run, from what the build that counts has left."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.verifier import COVERAGE, SOURCE


@dataclass(frozen=True)
class Lines:
    run: int
    all: int

    @property
    def percent(self) -> float:
        return 100 * self.run / self.all


def sources() -> list[Path]:
    """Relative to the verifier's folder."""
    return [path.relative_to(SOURCE) for folder in ("lib", "programs") for path in sorted((SOURCE / folder).glob("*.c"))]


def clear() -> None:
    for path in COVERAGE.objects.rglob("*.gcda"):
        path.unlink()


def lines_of(source: Path) -> Lines:
    notes = COVERAGE.objects / source.with_suffix(".gcno")
    # Without a count nothing of it has run
    counts = notes.with_suffix(".gcda")
    report = json.loads(subprocess.run(["gcov", "--json-format", "--stdout", counts if counts.exists() else notes],
                                       cwd=SOURCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, check=True).stdout)
    found: dict[int, int] = {}
    for file in report["files"]:
        if file["file"] == str(source):
            for line in file["lines"]:
                found[line["line_number"]] = max(found.get(line["line_number"], 0), line["count"])
    return Lines(sum(1 for count in found.values() if count), len(found))
