#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Breaks one thing in a kernel tree, as scripts/mutants.list says. Python, not
# shell: exact strings of C in exact places.

import argparse
import re
import sys

HELP = """\
Breaks one thing in a kernel tree, as LIST says: see the head of
scripts/mutants.list. An edit that does not apply exactly once is an error.

Without a NAME it prints the names of the mutants, each with the groups of tests
that are to catch it."""


class Mutant:
    def __init__(self, name):
        self.name = name
        self.base = None
        self.caught_by = []
        # (file, function, text to find, text in its place)
        self.edits = []


def read(path):
    """The mutants of a list, in their order."""
    mutants = []
    file = function = old = None
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            word, _, rest = line.rstrip("\n").partition(" ")
            if not word or word.startswith("#"):
                continue
            mutant = mutants[-1] if mutants else None
            if word == "mutant":
                mutants.append(Mutant(rest))
            elif word == "base":
                mutant.base = rest
            elif word == "by":
                mutant.caught_by = rest.split()
            elif word == "in":
                file, _, function = rest.partition(" ")
            elif word == "-":
                old = rest
            elif word == "+":
                mutant.edits.append((file, function, old, rest))
            else:
                sys.exit(f"{path}:{number}: what is {word!r}?")
    for mutant in mutants:
        if not mutant.edits or not mutant.caught_by:
            sys.exit(f"{path}: {mutant.name} has no edit, or nothing that is to catch it")
    return mutants


def place_of(text, function):
    """Where a function's definition, or a structure's, is in a file's text: from its name to the closing brace."""
    if not function:
        return 0, len(text)
    start = re.search(rf"^(?![\s/])[^\n;]*\b{re.escape(function)}\b[^;]*?{{$", text, re.M)
    if not start:
        return None
    return start.start(), text.index("\n}", start.start())


def apply(tree, edit):
    file, function, old, new = edit
    path = f"{tree}/{file}"
    with open(path, encoding="utf-8") as source:
        text = source.read()
    place = place_of(text, function)
    if not place:
        sys.exit(f"{file} has no {function}")
    start, end = place
    found = text.count(old, start, end)
    if found != 1:
        sys.exit(f"{file}: {found} times in {function or 'the file'}, not once: {old}")
    with open(path, "w", encoding="utf-8") as source:
        source.write(text[:start] + text[start:end].replace(old, new) + text[end:])


def main():
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage="scripts/mutate [--base BASE] LIST [NAME TREE]")
    parser.add_argument("list", metavar="LIST")
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument("tree", metavar="TREE", nargs="?")
    parser.add_argument("--base", default="6.12", help="leave out what is for another base (%(default)s)")
    args = parser.parse_args()
    mutants = [m for m in read(args.list) if m.base in (None, args.base)]

    if not args.name:
        for mutant in mutants:
            print(mutant.name, *mutant.caught_by)
        return
    for mutant in mutants:
        if mutant.name == args.name:
            for edit in mutant.edits:
                apply(args.tree, edit)
            return
    sys.exit(f"there is no mutant {args.name}")


if __name__ == "__main__":
    main()
