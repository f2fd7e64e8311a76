# SPDX-License-Identifier: GPL-2.0-only
"""
How the series is kept in this repository.

patches/TOPIC/BASE/NNNN-*.patch hold the commit messages and the edits of existing files. The topics apply in the order
of their numbers, and within a topic its patches do. New files are whole at their path in this repository, shared by all
bases; a patch names those that its commit adds, one a line:

        New-file: security/integrity/ima/ima_update_counter.c

A later patch may change such a file: here it is as the whole series leaves it.
"""

import email
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.header import decode_header, make_header
from itertools import combinations
from pathlib import Path

from patchset.console import Failed
from patchset.git import text_of
from patchset.paths import PATCHES, TOP
from patchset.source import SUITES

BASES = tuple(SUITES)
DEFAULT_BASE = BASES[0]
DIFFERENCES = PATCHES / "differences"

NEW_FILE = re.compile(r"^New-file: (.*)\n", re.M)
START_OF_DIFF = re.compile(r"^diff --git ", re.M)


def topics() -> list[str]:
    """The names of the topics, in the order in which they apply."""
    names = [path.name for path in PATCHES.iterdir() if re.match(r"\d+-", path.name)]
    return sorted(names, key=lambda name: int(name.partition("-")[0]))


def patches(base: str) -> list[Path]:
    """The patches of a base, in the order in which they apply."""
    return [patch for topic in topics() for patch in sorted((PATCHES / topic / base).glob("*.patch"))]


def topic_of(patch: Path) -> str:
    return patch.parent.parent.name


def read(patch: Path) -> str:
    return text_of(patch.read_bytes())


def new_files(*files: Path) -> list[str]:
    """The new files that these patches name."""
    return [name for patch in files for name in NEW_FILE.findall(parts(read(patch))[0])]


def parts(patch: str) -> tuple[str, str]:
    """A patch's mail up to its diff, and the diff."""
    start = START_OF_DIFF.search(patch)
    return (patch[:start.start()], patch[start.start():]) if start else (patch, "")


def subject(patch: Path) -> str:
    return Change.of(read(patch)).subject


def state(base: str, source: str) -> list[str]:
    """Digests of what a tree is made of: the commit @source and the patches of @base; and the new files."""
    files = patches(base)
    edits, overlay = hashlib.sha256(source.encode()), hashlib.sha256()
    for patch in files:
        edits.update(patch.read_bytes())
    for name in new_files(*files):
        overlay.update(read_new_file(name)[1])
    return [edits.hexdigest(), overlay.hexdigest()]


def read_new_file(name: str) -> tuple[str, bytes]:
    """The mode and the contents of a new file in this repository."""
    path = TOP / name
    if not path.is_file():
        raise Failed(f"{name} is named as a new file by a patch, and is not here")
    return "100755" if os.access(path, os.X_OK) else "100644", path.read_bytes()


# ---- What a patch says and does

@dataclass(frozen=True)
class Change:
    subject: str
    message: str
    # The added and removed lines of each file, without context. Not empty ones: where several diffs are right, they
    # have those before or behind the same lines.
    lines: dict[str, list[str]]

    @staticmethod
    def of(patch: str) -> "Change":
        mail, diff = parts(patch)
        head, _, message = mail.partition("\n\n")
        title = str(make_header(decode_header(email.message_from_string(head)["Subject"].replace("\n", ""))))
        return Change(re.sub(r"^\[PATCH[^]]*\] ", "", title), message.rstrip().removesuffix("\n---"),
                      changed_lines(diff))


def changed_lines(diff: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name, removed, added = "", 0, 0
    for line in diff.split("\n"):
        hunk = re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
        if removed > 0 or added > 0:
            removed -= line[:1] in ("-", " ", "")
            added -= line[:1] in ("+", " ", "")
            if line[:1] in ("+", "-") and line[1:].strip():
                found[name].append(line)
        elif hunk:
            removed, added = (int(count or 1) for count in hunk.groups())
        elif START_OF_DIFF.match(line):
            name = line.rpartition(" b/")[2]
            found[name] = []
    return found


def pair(old: list[str], new: list[str]) -> dict[str, str]:
    """
    Which of the @old subjects each of the @new ones continues: the same one, or, where subjects have changed, the one
    that was in its place.
    """
    same = set(old) & set(new)
    pairs = {name: name for name in same}
    # Runs of others, between two that stayed neighbours
    runs: dict[str, list[str]] = {}
    before = ""
    for name in old:
        if name in same:
            before = name
        else:
            runs.setdefault(before, []).append(name)
    before, run = "", []
    for name in [*new, ""]:
        if name and name not in same:
            run.append(name)
            continue
        if len(run) == len(runs.get(before, [])):
            pairs.update(zip(run, runs.get(before, [])))
        before, run = name, []
    return pairs


# ---- What two bases have in common

@dataclass(frozen=True, order=True)
class Difference:
    """Two bases differ in a @part of the patch @subject: "message", "BASE only" or the path of a file."""
    subject: str
    part: str

    def __str__(self):
        return f"{self.subject}: {self.part}"


def compare(one: Change, other: Change) -> set[Difference]:
    """In what two patches of the same subject differ."""
    found = {name for name in one.lines.keys() | other.lines.keys() if one.lines.get(name) != other.lines.get(name)}
    if one.message != other.message:
        found.add("message")
    return {Difference(one.subject, part) for part in found}


def compare_bases(bases: Iterable[str] = BASES) -> set[Difference]:
    """In what the patches of the bases differ."""
    found = set()
    series = {base: {change.subject: change for change in map(Change.of, map(read, patches(base)))} for base in bases}
    for one, other in combinations(series, 2):
        for base, there, missing in ((one, series[one], series[other]), (other, series[other], series[one])):
            found |= {Difference(name, f"{base} only") for name in there.keys() - missing.keys()}
        for name in series[one].keys() & series[other].keys():
            found |= compare(series[one][name], series[other][name])
    return found


def known_differences() -> dict[Difference, str]:
    """
    The table patches/differences: in what patches differ between bases, and why.

    A line with the subject of a patch, followed by indented lines PART: REASON.
    """
    found: dict[Difference, str] = {}
    name = ""
    text = DIFFERENCES.read_text(encoding="utf-8") if DIFFERENCES.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            name = line.strip()
            continue
        part, colon, reason = line.strip().partition(": ")
        difference = Difference(name, part)
        if not name or not colon or not reason.strip():
            raise Failed(f"patches/differences:{number}: expected the subject of a patch, or PART: REASON below it")
        if difference in found:
            raise Failed(f"patches/differences:{number}: duplicate line for {difference}")
        found[difference] = reason.strip()
    return found
