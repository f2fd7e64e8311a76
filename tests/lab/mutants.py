# SPDX-License-Identifier: GPL-2.0-only
"""Break one thing in a kernel tree, as tests/mutants.list says."""

import re
from dataclasses import dataclass, field
from pathlib import Path


class ListError(Exception):
    """The list can't be read, or an edit of it does not apply exactly once."""


@dataclass(frozen=True)
class Edit:
    """Replace a text that must be found exactly once in a function, or in the file if function is empty."""

    file: str
    function: str
    old: str
    new: str


@dataclass
class Mutant:
    name: str
    base: str | None = None
    """The only base that it is for, None for all of them."""
    caught_by: str = ""
    """A pytest -k expression: the tests of which at least one must fail."""
    edits: list[Edit] = field(default_factory=list)

    def apply(self, tree: Path) -> None:
        for edit in self.edits:
            apply(tree, edit)


def read(path: Path) -> list[Mutant]:
    """Return the mutants of a list in their order. The format is described at the head of tests/mutants.list."""
    mutants: list[Mutant] = []
    file = function = old = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not word or word.startswith("#"):
            continue
        if word == "mutant":
            mutants.append(Mutant(rest))
            continue
        if not mutants:
            raise ListError(f"{path}:{number}: {word!r} before the first mutant")
        mutant = mutants[-1]
        if word == "base":
            mutant.base = rest
        elif word == "by":
            mutant.caught_by = rest
        elif word == "in":
            file, _, function = rest.partition(" ")
        elif word == "-":
            old = rest
        elif word == "+":
            mutant.edits.append(Edit(file, function, old, rest))
        else:
            raise ListError(f"{path}:{number}: unknown word {word!r}")
    for mutant in mutants:
        if not mutant.edits or not mutant.caught_by:
            raise ListError(f"{path}: {mutant.name} has no edit, or no tests that must catch it")
    return mutants


def body_of(text: str, function: str) -> tuple[int, int] | None:
    """Return where the definition of a function or a structure begins and ends in a file's text."""
    if not function:
        return 0, len(text)
    start = re.search(rf"^(?![\s/])[^\n;]*\b{re.escape(function)}\b[^;]*?{{$", text, re.M)
    if not start:
        return None
    return start.start(), text.index("\n}", start.start())


def apply(tree: Path, edit: Edit) -> None:
    path = tree / edit.file
    text = path.read_text(encoding="utf-8")
    body = body_of(text, edit.function)
    if not body:
        raise ListError(f"{edit.file} has no {edit.function}")
    start, end = body
    found = text.count(edit.old, start, end)
    if found != 1:
        raise ListError(f"{edit.file}: found {found} times in {edit.function or 'the file'}, not once: {edit.old}")
    path.write_text(text[:start] + text[start:end].replace(edit.old, edit.new) + text[end:], encoding="utf-8")
