# SPDX-License-Identifier: GPL-2.0-only
"""
What the worst lists cost.

Measures imatally on lists that somebody made to be costly (tests/write_costly.c): of records, findings, violations, kernels,
gaps and so on only, in each form of the answer. What an entry costs must not grow with the list, and memory is to stay
within 16 MiB beside the answer. With FULL=1: a million entries each instead of a hundred thousand, which takes 0.5 GB of disk.
"""

import os
import resource
import subprocess
import tempfile
from pathlib import Path

from figures import Figure, figure, write
from lab.paths import BUILD, TOP
from lab.verifier import BINARY
from patchset.console import Failed, run_long, say
from verifier_cost import peak

KINDS = ["records", "findings", "violations", "kernels", "claims", "names", "lost", "failed", "altered", "matches"]
ENTRIES = 10 ** 6 if os.environ.get("FULL") == "1" else 10 ** 5
MEMORY = 16


def ways(kind: str, folder: Path) -> dict[str, list[object]]:
    """The forms of an answer, each with its options."""
    found: dict[str, list[object]] = {
        "text": [], "JSON": ["--json"], "page": ["--html", folder / "page"], "state": ["--state", folder / "state"]}
    if kind == "lost":
        found["with the copy"] = ["--with", folder / "copy"]
    return found


def command(kind: str, folder: Path) -> list[object]:
    more = ["--record-pcr", 11] if kind == "matches" else []
    return [BINARY, "verify", folder / "log", "--pcrs", folder / "pcrread", *more]


def cpu(*argv: object) -> float:
    """Seconds of a command that ends with a verdict."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(list(map(str, argv)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 2:
        raise Failed(f"{' '.join(map(str, argv))}: status {done.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def beside_the_answer(folder: Path, *argv: object) -> float:
    """MiB."""
    with open(folder / "answer", "wb") as answer:
        subprocess.run(list(map(str, argv)), stdout=answer, check=False)
    written = sum(path.stat().st_size for path in (folder / "answer", folder / "page", folder / "state") if path.exists())
    return max(peak(*argv) - written / 2 ** 20, 0)


def measure(kind: str, folder: Path) -> list[Figure]:
    say(f"bench worst: {kind}")
    folders = [folder / f"{kind}.{entries}" for entries in (ENTRIES // 10, ENTRIES)]
    for one, entries in zip(folders, (ENTRIES // 10, ENTRIES)):
        one.mkdir()
        subprocess.run([BUILD / "imatally.o/tests/write_costly", one, kind, str(entries)], check=True)
    rows = []
    for way in ways(kind, folder):
        short, long = (cpu(*command(kind, one), *ways(kind, one)[way]) for one in folders)
        rows += [figure(f"{kind}, {way}: CPU time for an entry, {ENTRIES:,} against {ENTRIES // 10:,}",
                        long / 10 / max(short, 0.001), "times"),
                 figure("... microseconds", long / ENTRIES * 1e6, "us"),
                 figure("... peak memory beside the answer",
                        beside_the_answer(folders[1], *command(kind, folders[1]), *ways(kind, folders[1])[way]), "MiB",
                        goal=MEMORY)]
    return rows


def picture(rows: list[Figure]) -> str:
    """A script for gnuplot: memory, by kind and form."""
    heights = [(rows[at - 2]["figure"].partition(":")[0], row["value"])
               for at, row in enumerate(rows) if row["unit"] == "MiB"]
    lines = "\n".join(f'"{name}" {value}' for name, value in heights)
    return f"""
set terminal svg size 900,480 font "sans-serif,11" background "white"
set title "Peak memory of imatally verify beside its answer, for {ENTRIES:,} entries"
unset key
set grid ytics
set ylabel "MiB"
set yrange [0:*]
set xtics rotate by -60
set style fill solid 0.8
$lines << EOD
{lines}
EOD
plot $lines using 2:xtic(1) with boxes linecolor "#4477aa"
"""


def run(_base: str) -> None:
    run_long("building the verifier and what it is measured with",
             ["make", "--no-print-directory", "-s", "-C", TOP / "tools/ima", "all", "bench"])
    path = BUILD / "bench" / "worst"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="worst-") as name:
            rows += measure(kind, Path(name))
    write(path, f"The verifier: lists made to be costly, {ENTRIES:,} entries", rows, picture(rows))
