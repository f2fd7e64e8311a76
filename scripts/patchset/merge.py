#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Usage: merge.py ANCESTOR OURS THEIRS MARKER_SIZE OUR_NAME THEIR_NAME

A merge driver for git (gitattributes(5)), by which scripts/port carries changes over.

Git takes changes of neighbouring lines for a conflict. Between two bases these are common: a comment is changed above a
call that each base writes in its own way. Where git finds a conflict, this tries to merge line by line, and leaves
git's conflict where both sides have changed the same line.
"""

import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """The lines from @start to before @end become @lines."""
    start: int
    end: int
    lines: list[str]


def edits(old: list[str], new: list[str]) -> list[Edit]:
    """What makes @old @new, a line at a time where that is possible."""
    found = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace" and i2 - i1 == j2 - j1:
            found += [Edit(i, i + 1, [new[j]]) for i, j in zip(range(i1, i2), range(j1, j2))]
        elif kind != "equal":
            found.append(Edit(i1, i2, new[j1:j2]))
    return found


def are_apart(first: Edit, second: Edit) -> bool:
    """Do two edits, in this order, change different lines, so that it is clear what both give?"""
    if first.end != second.start:
        return first.end < second.start
    # They touch. An insertion has its place beside a line that is replaced, but not beside a deletion or another one.
    insertions = [edit for edit in (first, second) if edit.start == edit.end]
    return not insertions or len(insertions) == 1 and bool(first.lines and second.lines)


def merge(ancestor: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """The lines with the changes of both sides, or None if they have changed the same ones."""
    todo = edits(ancestor, ours)
    for edit in edits(ancestor, theirs):
        if edit not in todo:
            todo.append(edit)
    todo.sort(key=lambda edit: (edit.start, edit.end))
    if not all(map(are_apart, todo, todo[1:])):
        return None
    merged, at = [], 0
    for edit in todo:
        merged += ancestor[at:edit.start] + edit.lines
        at = edit.end
    return merged + ancestor[at:]


def main():
    ancestor, ours, theirs, size, our_name, their_name = sys.argv[1:]
    lines = [Path(name).read_bytes().decode(errors="surrogateescape").splitlines(keepends=True)
             for name in (ancestor, ours, theirs)]
    conflicts = subprocess.run(["git", "merge-file", "--quiet", f"--marker-size={size}", "-L", our_name, "-L", "before",
                                "-L", their_name, ours, ancestor, theirs]).returncode
    if conflicts:
        merged = merge(*lines)
        if merged is None:
            sys.exit(1)
        Path(ours).write_bytes("".join(merged).encode(errors="surrogateescape"))


if __name__ == "__main__":
    main()
