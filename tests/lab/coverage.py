#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Tells which lines of the series have run. Python, not shell: gcov answers in JSON.

import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys

HELP = """\
Reads what kernels built with scripts/config/gcov.config have counted, and prints
for each function how many of the lines that the series has added or changed have
run. TREE is the kernel's source with the series, RUN the folders of the VMs.

The counts of a kernel that executes another one are lost with it: of what runs
then scripts/coverage.explained says so. Fails when less than --least per cent have
run, those included, or when a line that has not is not explained there."""

# What the explanation of a line begins with that does run
UNCOUNTED = "runs:"

HERE = os.path.dirname(os.path.abspath(__file__))


def added_lines(tree):
    """The lines that the series has added or changed: file to a set of numbers."""
    diff = subprocess.run(["git", "-C", tree, "diff", "--unified=0", "base", "series", "--", "*.[ch]",
                           ":!tools", ":!*[-_]test.c"], check=True, stdout=subprocess.PIPE, text=True).stdout
    added = collections.defaultdict(set)
    file = None
    for line in diff.splitlines():
        if line.startswith("+++ "):
            file = line[6:]
        hunk = re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line)
        if hunk:
            start, count = int(hunk[1]), int(hunk[2] or 1)
            added[file].update(range(start, start + count))
    return added


def counts(tree, runs):
    """How often each line has run: (file, function, line) to a number."""
    total = collections.Counter()
    for data in (path for run in runs for path in glob.glob(f"{run}/**/gcov.*/**/*.gcda", recursive=True)):
        # Below gcov.N is the object's absolute path, where the compiler left its notes; gcov wants them together
        stem = data[:-len("gcda")]
        if not os.path.lexists(stem + "gcno"):
            os.symlink("/" + re.split(r"/gcov\.\d+/", stem)[1] + "gcno", stem + "gcno")
        found = subprocess.run(["gcov", "--json-format", "--stdout", data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=os.path.dirname(data), check=True)
        report = json.loads(found.stdout)
        for file in report["files"]:
            name = os.path.relpath(os.path.join(report["current_working_directory"], file["file"]), tree)
            for line in file["lines"]:
                if line.get("function_name"):
                    total[(name, line["function_name"], line["line_number"])] += line["count"]
    return total


def explanations(path):
    """What is said of lines that don't run: (file, function, text of the line, why)."""
    with open(path, encoding="utf-8") as lines:
        return [[part.strip() for part in line.split("|")] for line in lines
                if line.strip() and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least", type=float, default=95, help="per cent of the lines (%(default)s)")
    parser.add_argument("tree", metavar="TREE")
    parser.add_argument("runs", metavar="RUN", nargs="+")
    args = parser.parse_args()

    added = added_lines(args.tree)
    functions = collections.defaultdict(dict)
    for (file, function, line), count in counts(args.tree, args.runs).items():
        if line in added.get(file, ()):
            functions[(file, function)][line] = functions[(file, function)].get(line, 0) + count
    if not functions:
        sys.exit("nothing was counted in these folders")

    explained = explanations(os.path.join(HERE, "coverage.explained"))
    unexplained = uncounted = lines_run = lines_all = 0
    print(f"{'function':<38} {'lines':>5} {'run':>5}  file")
    for (file, function), lines in sorted(functions.items()):
        run = sum(1 for count in lines.values() if count)
        lines_all += len(lines)
        lines_run += run
        print(f"{function:<38} {len(lines):5d} {run:5d}  {file}")
        with open(os.path.join(args.tree, file), encoding="utf-8") as source:
            text = source.read().splitlines()
        for line in sorted(number for number, count in lines.items() if not count):
            why = next((why for f, g, part, why in explained
                        if f == file and g == function and part in text[line - 1]), None)
            unexplained += not why
            uncounted += bool(why) and why.startswith(UNCOUNTED)
            print(f"    {line}: {text[line - 1].strip()}\n        {why or 'NOT EXPLAINED'}")

    share = 100 * (lines_run + uncounted) / lines_all
    print(f"\n{lines_run + uncounted} of {lines_all} lines have run, {share:.1f} %, {uncounted} of them not counted; "
          f"{unexplained} are not explained")
    sys.exit(share < args.least or unexplained > 0)


if __name__ == "__main__":
    main()
