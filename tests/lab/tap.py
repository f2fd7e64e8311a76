# SPDX-License-Identifier: GPL-2.0-only
"""Reads test results: KTAP, nested and on a console that others print to, and TAP as cmocka prints it."""

import re
from dataclasses import dataclass, replace

# The kernel's time stamp before each line, with the task if it prints that
STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^]]*\])? ?")
RESULT = re.compile(r"^( *)(not )?ok(?: +\d+)?(?: +-)?(?<=[\d-])(?: +(.*))?$")
SKIP = re.compile(r"^(.*?) *# *SKIP\b *(.*)$", re.I)


@dataclass(frozen=True)
class Line:
    ok: bool
    # A subtest's begins with the name of its suite and a dot
    name: str
    # Why it was skipped, None if it was not
    skip: str | None
    # What was printed between the result before and this one
    output: str


def result(ok: bool, text: str, output: list[str]) -> Line:
    found = SKIP.match(text)
    if not found:
        return Line(ok, text, None, "\n".join(output))
    if found[1]:
        return Line(True, found[1], found[2], "\n".join(output))
    # cmocka calls a skipped test "not ok", and gives the reason in a line before
    reasons = [line.removeprefix("skipped: ") for line in output if line.startswith("skipped: ")]
    return Line(True, found[2], reasons[-1] if reasons else "", "\n".join(output))


def parse(text: str) -> list[Line]:
    """The results in the order of their lines: subtests come before their suite."""
    lines: list[Line] = []
    # Results whose suite has not ended yet, with their subtests: depth, indices of lines
    pending: list[tuple[int, list[int]]] = []
    output: list[str] = []
    for raw in text.splitlines():
        printed = STAMP.sub("", raw.rstrip("\r"))
        found = RESULT.match(printed)
        if not found:
            output.append(printed)
            continue
        depth, name = len(found[1]), (found[3] or "").strip()
        line = result(not found[2], name, output)
        members = [len(lines)]
        while pending and pending[-1][0] > depth:
            _, subtests = pending.pop()
            for index in subtests:
                lines[index] = replace(lines[index], name=f"{line.name}.{lines[index].name}")
            members += subtests
        lines.append(line)
        pending.append((depth, members))
        output = []
    return lines
