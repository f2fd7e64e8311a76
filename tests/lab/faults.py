# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the TPM: the table tests/fault-rows, and what became of each of its rows in a VM."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lab import verifier


@dataclass(frozen=True)
class Row:
    """See the head of tests/fault-rows."""

    name: str
    tags: str
    faults: str
    does: str
    moved: str
    has: str
    verdict: str
    findings: str


@dataclass(frozen=True)
class Outcome:
    """What became of a row, in the form of the table's columns."""

    moved: str
    made: str
    verdict: str
    findings: str
    banks: str
    records: str
    """Those before and after the row, for people."""

    def differences(self, row: Row) -> list[str]:
        """Where this is not what the table says."""
        found = []
        for column, expected, got in (("moved", row.moved, self.moved), ("verdict", row.verdict, self.verdict),
                                      ("findings", row.findings, self.findings)):
            if not fnmatchcase(got, expected.replace("banks", self.banks)):
                found.append(f"{column}: expected {expected!r}, got {got!r}")
        if row.has not in self.made:
            found.append(f"has: expected {row.has!r} in {self.made!r}")
        return found


def read(table: Path) -> list[Row]:
    rows = []
    for line in table.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            rows.append(Row(*(column.strip() for column in line.split("|"))))
    return rows


def tagged(rows: Iterable[Row], tag: str) -> list[Row]:
    return [row for row in rows if tag in row.tags.split()]


def for_the_guest(rows: Iterable[Row]) -> str:
    """What tests/guest/faults.sh reads."""
    return "".join(f"{row.name}|{row.faults}|{row.does}\n" for row in rows)


def value(record: str, key: str) -> int | None:
    found = re.search(rf";{key}=(\d+);", record)
    return int(found[1]) if found else None


def without_places(finding: str) -> str:
    finding = re.sub(r",? between [^:]*( \([a-z_]+\)|the end of the list)", "", finding)
    return re.sub(r"entry [0-9]+", "entry N", finding)


def new_findings(now: Counter[str], before: Counter[str]) -> str:
    return ";".join(f"{count} x {text}" if count > 1 else text for text, count in sorted((now - before).items()))


def outcomes(rows: Iterable[Row], out: Path) -> dict[str, Outcome]:
    """Judge what tests/guest/faults.sh left of these rows, by name. A row that was not run is missing."""
    done: dict[str, Outcome] = {}
    known: Counter[str] = Counter()
    for row in rows:
        folder = out / row.name
        if not (folder / "after").exists():
            break
        before, made, after = ((folder / name).read_text(encoding="utf-8") for name in ("before", "made", "after"))

        def moved(key: str) -> int | None:
            first, last = value(before, key), value(after, key)
            return None if first is None or last is None else last - first

        counter, updates = moved("pcrUpdateCounter"), moved("updates")
        unexplained = "-" if counter is None or updates is None else counter - updates
        requests = (folder / "failed").read_text(encoding="utf-8").strip()
        verdict, found = "-", known
        if (folder / "pcrs").stat().st_size:
            answer = verifier.verify(folder / "list", folder / "pcrs", "--json")
            verdict = f"{answer.json['verdict']} {answer.status}"
            found = Counter(without_places(finding["text"]) for finding in answer.json["findings"])
        done[row.name] = Outcome(f"{unexplained} {moved('uncertain')} {moved('failed')} {requests}", made.strip(),
                                 verdict, new_findings(found, known), str(value(after, "banks")),
                                 f"before: {before}after: {after}")
        known = found
    return done


def happened(log: Path) -> list[str]:
    """The faults that the proxy's log of commands says have happened."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines():
        command, _, fault = line.partition("  # ")
        if fault or re.match("inject|restart|startup", command):
            found.append(fault or command)
    return found
