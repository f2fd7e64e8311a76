# SPDX-License-Identifier: GPL-2.0-only
"""
What the verifier costs.

Measures imatally on lists like a real one, in two banks, on one thread, against "evmctl ima_measurement" on the same
files in the same run: CPU time (user and system) and peak memory; as ASCII, in one bank, with and without --state, with
--jobs 1 and 2, from 10^3 entries to 10^6; and against the hashes alone, in each way that libcrypto offers. With FULL=1: to 10^7, which takes 2.5 GB of disk.
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from figures import Figure, figure, ratio, write
from lab.lists import write_ascii
from lab.paths import BUILD, TOP
from lab.verifier import BINARY
from patchset.console import Failed, run_long, say

# A real list, of a boot with two kernels and two banks
MODEL = TOP / "tools/ima/vectors/two-kernels/list"
HASH_COST = BUILD / "imatally.o/hash_cost"
# Ways to hash, see bench/hash_cost.c
WAYS = ["low-level", "one-shot", "evp-copy", "evp-init", "evp-digest"]
RUNS = 7
MILLION = 10 ** 6
LARGEST = 10 ** 7 if os.environ.get("FULL") == "1" else MILLION
SIZES = [size for size in (10 ** 3, 10 ** 4, 10 ** 5, 10 ** 6, 10 ** 7) if size <= LARGEST]
EVERY = 1000


class Used:
    """What a command that must end with 0 used: CPU and real seconds."""

    def __init__(self, *command: object):
        start = time.monotonic()
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.real = time.monotonic() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        if process.returncode:
            raise Failed(f"{' '.join(map(str, command))}: status {process.returncode}")


def peak(*command: object) -> float:
    """Peak memory in MiB. What wait4() reports includes this program's own memory."""
    done = subprocess.run(["/usr/bin/time", "--format", "%M", *map(str, command)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    # 1 and 2 are verdicts, too
    if done.returncode > 2:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}")
    return int(done.stderr.splitlines()[-1]) / 1024


class List:
    """A list, and its PCR values."""

    def __init__(self, folder: Path, entries: int, every: int = 0):
        self.folder = folder / f"{entries}.{every}"
        self.folder.mkdir()
        say(f"bench verifier: {entries:,} entries, {f'a record every {every}' if every else 'no records'}")
        Used(BUILD / "mklog", self.folder, 2, entries, MODEL, every)
        self.log = self.folder / "log"

    def verify(self, *options: object, values: str = "pcrread") -> Used:
        return Used(*self.verify_command(values), *options)

    def verify_command(self, values: str = "pcrread") -> list[object]:
        return [BINARY, "verify", self.log, "--pcrs", self.folder / values]

    def values_of(self, bank: str) -> str:
        """What tpm2_pcrread prints of that bank alone."""
        text = (self.folder / "pcrread").read_text(encoding="ascii")
        return re.search(rf"^  {bank}\s*:\n(?:    .*\n)*", text, re.M)[0]

    def evmctl_command(self) -> list[object]:
        return ["evmctl", "ima_measurement", "--pcrs", f"sha1,{self.folder}/evmctl-sha1",
                "--pcrs", f"sha256,{self.folder}/evmctl-sha256", self.log]


def against_evmctl(plain: List, recorded: List) -> list[Figure]:
    """In turn, so that what else the machine does hits all alike."""
    # template data of ima-ng: a digest with its name, the file's name, two lengths
    length = plain.log.stat().st_size // MILLION - (4 + 20 + 4 + len("ima-ng") + 4)
    write_ascii(plain.log, plain.folder / "log.ascii")
    (plain.folder / "one-bank").write_text(plain.values_of("sha256"), encoding="ascii")
    commands = {
        "plain": plain.verify_command(),
        "evmctl": plain.evmctl_command(),
        "recorded": recorded.verify_command(),
        "ascii": [BINARY, "verify", plain.folder / "log.ascii", "--pcrs", plain.folder / "pcrread"],
        "one bank": plain.verify_command("one-bank"),
        "hashes": [HASH_COST, "imatally", MILLION, length],
        "compressions": [HASH_COST, "compressions", MILLION, length],
        **{way: [HASH_COST, way, MILLION, length] for way in WAYS},
    }
    cpu: dict[str, list[float]] = {kind: [] for kind in commands}
    for _ in range(RUNS):
        for kind, command in commands.items():
            cpu[kind].append(Used(*command).cpu)
    return [
        ratio("CPU time for a million entries, against evmctl", cpu["plain"], cpu["evmctl"], 0.14),
        ratio(f"... with a record every {EVERY}", cpu["recorded"], cpu["evmctl"], 0.14),
        ratio("... against the compressions of its hashes alone", cpu["plain"], cpu["compressions"], 1.7),
        ratio("... as ASCII, against binary", cpu["ascii"], cpu["plain"], 2),
        ratio("... in the SHA-256 bank alone, against both", cpu["one bank"], cpu["plain"]),
        ratio("the hashes as imatally makes them, against the compressions", cpu["hashes"], cpu["compressions"]),
        *[ratio(f"... by {way}", cpu[way], cpu["compressions"]) for way in WAYS],
        figure("peak memory for a million entries, evmctl", peak(*plain.evmctl_command()), "MiB"),
        figure("... imatally", peak(*plain.verify_command()), "MiB", goal=16),
        figure(f"... with a record every {EVERY}", peak(*recorded.verify_command()), "MiB", goal=16),
    ]


def one_more(largest: List, whole: Sequence[Used]) -> list[Figure]:
    """Verify, keep the state, append an entry, and go on; again and again from the same state."""
    state, kept = largest.folder / "state", largest.folder / "kept"
    first = largest.verify("--state", state)
    shutil.copy(state, kept)
    with open(largest.log, "ab") as log, open(largest.folder / "next", "rb") as one:
        log.write(one.read())
    more = []
    for _ in range(RUNS):
        shutil.copy(kept, state)
        more.append(largest.verify("--state", state, values="pcrread.next"))
    nothing = [Used(BINARY, "--version") for _ in range(RUNS)]
    goal = 0.001 if LARGEST > MILLION else None
    return [
        ratio(f"CPU time for one more after {LARGEST:,} with --state, against the whole", [used.cpu for used in more],
              [used.cpu for used in whole], goal),
        ratio("... of it to start the program", [used.cpu for used in nothing], [used.cpu for used in more]),
        ratio("... to write the state, the first time, against the whole", [first.cpu], [used.cpu for used in whole]),
    ]


def many(one: List) -> list[Figure]:
    """Eight folders with the same list, one and two at a time, in turn."""
    folders = [one.folder / str(number) for number in range(8)]
    for folder in folders:
        folder.mkdir()
        os.link(one.log, folder / "log")
        os.link(one.folder / "pcrread", folder / "pcrs")
    real: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(RUNS):
        for jobs, runs in real.items():
            runs.append(Used(BINARY, "verify", "--jobs", jobs, *folders).real)
    return [ratio("time for 8 lists of a million entries with --jobs 2, against --jobs 1", real[2], real[1], 1 / 1.7)]


def picture(growth: dict[int, float]) -> str:
    """A script for gnuplot."""
    lines = "\n".join(f"{size} {cpu / size * 1e6}" for size, cpu in growth.items())
    return f"""
set terminal svg size 600,420 font "sans-serif,13" background "white"
set title "CPU time of imatally verify for an entry, without the start of the program"
unset key
set grid ytics
set logscale x
set xtics format "%'.0f"
set xlabel "entries in the list"
set ylabel "microseconds"
set yrange [0:*]
$lines << EOD
{lines}
EOD
plot $lines using 1:2 with linespoints linewidth 2 linecolor "#4477aa"
"""


def run(_base: str) -> None:
    run_long("building the verifier and what it is measured with",
             ["make", "--no-print-directory", "-s", "-C", TOP / "tools/ima", "all", "bench"])
    path = BUILD / "bench" / "verifier"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="verifier-") as name:
        folder = Path(name)
        lists = {size: List(folder, size) for size in SIZES}
        recorded = List(folder, MILLION, EVERY)
        rows = against_evmctl(lists[MILLION], recorded)
        # The start of the program counts for nothing in a long list, and for all in a short one
        start = statistics.median(Used(BINARY, "--version").cpu for _ in range(RUNS))
        runs = {size: [one.verify() for _ in range(3 if size > MILLION else RUNS)] for size, one in lists.items()}
        growth = {size: max(statistics.median(used.cpu for used in some) - start, 0) for size, some in runs.items()}
        per_entry = {size: cpu / size for size, cpu in growth.items() if size >= 10 ** 5}
        rows.append(figure(f"CPU time for an entry, {LARGEST:,} against 100,000", per_entry[LARGEST] / per_entry[10 ** 5], "times"))
        if LARGEST > MILLION:
            rows.append(figure(f"peak memory for {LARGEST:,} entries", peak(*lists[LARGEST].verify_command()), "MiB", goal=16))
        rows += one_more(lists[LARGEST], runs[LARGEST])
        rows += many(recorded)
    write(path, "The verifier: lists like that of a real boot, two banks, one thread", rows, picture(growth),
          cpu_seconds_by_entries=growth)
