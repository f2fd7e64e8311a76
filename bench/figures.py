# SPDX-License-Identifier: GPL-2.0-only
"""Figures of a benchmark: what they are made of, their table, and the file that keeps them.

A figure is a row of the table, and an object in the file:

  "figure"       what it is
  "value"        a number
  "unit"         its unit; "times" for a ratio
  "low", "high"  the spread, if there were several runs
  "goal"         the most that it may be, if there is such a goal
  "met"          whether it is, the spread taken into account
"""

import json
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, spread: tuple[float, float] | None = None,
           goal: float | None = None) -> Figure:
    """A goal is missed only by more than the spread, and by what the table shows."""
    row: Figure = {"figure": name, "value": value, "unit": unit}
    if spread:
        row["low"], row["high"] = spread
    if goal is not None:
        row["goal"] = goal
        row["met"] = round(spread[0] if spread else value, 3) <= goal
    return row


def ratio(name: str, over: Sequence[float], under: Sequence[float], goal: float | None = None) -> Figure:
    """The ratio of the medians of two kinds of runs. Its spread is that of all pairs of runs."""
    return figure(name, statistics.median(over) / statistics.median(under), "times",
                  (min(over) / max(under), max(over) / min(under)), goal)


def number(value: float, unit: str) -> str:
    if unit == "times":
        return f"{value:.3f}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def cells(row: Figure) -> list[str]:
    unit = row["unit"]
    spread = f"{number(row['low'], unit)} .. {number(row['high'], unit)}" if "low" in row else ""
    goal = f"at most {number(row['goal'], unit)}{'' if row['met'] else ', missed'}" if "goal" in row else ""
    return [row["figure"], f"{number(row['value'], unit)} {unit}", spread, goal]


def write(path: Path, title: str, rows: list[Figure], picture: str, **more: Any) -> None:
    """Write PATH.json, and PATH.svg as gnuplot draws it by the script PICTURE; print the table."""
    svg = path.with_name(path.name + ".svg")
    with open(path.with_name(path.name + ".json"), "w", encoding="ascii") as file:
        json.dump({"title": title, "figures": rows, **more}, file, indent="\t")
    subprocess.run(["gnuplot"], input=f'set output "{svg}"\n{picture}', text=True, check=True)

    table = [["", "median", "spread", "goal"], *map(cells, rows)]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    print(f"\n{title}\n")
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
