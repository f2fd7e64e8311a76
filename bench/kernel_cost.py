# SPDX-License-Identifier: GPL-2.0-only
"""
What the series costs the kernel.

Boots kernels without the series and with it, several times each, and counts instructions (bench/plugin.c) and TPM
commands (tests/lab/proxy.py) while the guest works (bench/workload.c). With FULL=1: 10,000 files instead of 500, and
lists of up to 200,000 entries.
"""

import concurrent.futures
import functools
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from figures import Figure, figure, ratio, write
from lab import kernel, vm
from lab.paths import BUILD
from lab.process import CannotRun
from patchset.console import say

HERE = Path(__file__).resolve().parent
FULL = bool(os.environ.get("FULL"))
RUNS = 5
FILES = 10000 if FULL else 500
LENGTHS = (100, 2000, 20000, 200000) if FULL else (100, 2000, 20000)
WINDOWS = {10: 20, 100: 5, 1000: 1}  # entries to a record: how often
BANKS = ("sha256", "sha1,sha256", "sha1,sha256,sha384,sha512")
MEMORY_RECORDS = 2000

# ---- What the guest does

# An address that nothing else in the guest executes, see bench/plugin.c
MARKS = 0x6D61726B0000

GET_RANDOM = "8001 0000000c 0000017b 0008"
EXTEND = ("8002 00000057 00000182 0000000c 00000009 40000009 0000 00 0000 "
          f"00000002 0004 {'5a' * 20} 000b {'5a' * 32}")

PHASES = ["boot", "end", "files", "get_random", "extend", "kexec", "fill", "memory",
          *(f"window_{size}" for size in WINDOWS),
          *(f"{what}_{length}" for what in ("records", "buffers") for length in LENGTHS)]

# No program is started but the workload: IMA would look at it.
PRELUDE = """\
ima=/sys/kernel/security/ima
workload=/out/workload
$workload mark 0 || exit
"""

# The records are as long as a command line that IMA measures like them.
RULES = """
length=$(($(wc -c <$ima/update_counter) - 1))
echo 'measure func=FILE_CHECK mask=^MAY_READ uid=0
measure func=CRITICAL_DATA label=tpm
measure func=KEXEC_CMDLINE' >$ima/policy || exit
"""


def phase(name: str, command: str, *arguments: object) -> str:
    """Shell code: a phase of the workload, marked in the list of TPM commands."""
    words = " ".join(f"'{argument}'" if " " in str(argument) else str(argument) for argument in arguments)
    return f"echo mark {name} >>/out/faults\n$workload {command} {2 * PHASES.index(name)} {words} || exit\n"


END = phase("end", "tpm", 1, GET_RANDOM)

COMPARED = PRELUDE + phase("files", "files", FILES) + phase("get_random", "tpm", 100, GET_RANDOM) + \
    phase("extend", "tpm", 100, EXTEND) + phase("kexec", "kexec", 10, 300, "/boot/kernel")

RECORDED = COMPARED + "".join(phase(f"window_{size}", "groups", count, size) for size, count in WINDOWS.items())

GROWN = PRELUDE + phase("fill", "records", 1) + RULES + "".join(
    f"count=$(({length} - $(cat $ima/runtime_measurements_count)))\n" + phase("fill", "files", "$count") +
    phase(f"records_{length}", "records", 20) +
    phase(f"buffers_{length}", "kexec", 20, "$length", "/boot/kernel")
    for length in LENGTHS)

MEMORY = PRELUDE + phase("fill", "records", 100) + f"""
cat $ima/binary_runtime_measurements >/out/list.1
cat /proc/meminfo >/out/memory.1
{phase("memory", "records", MEMORY_RECORDS)}
cat /proc/meminfo >/out/memory.2
cat $ima/binary_runtime_measurements >/out/list.2
"""

# ---- What is counted

# The software TPM is waited for after each command, in microseconds, where the
# kernel begins to poll for its answer: how often it polls is not its property.
WAIT = ("tpm2_calc_ordinal_duration", 4000)
EVENTS = {"ima_kexec_cmdline": "buffer_begin", "ima_add_kexec_buffer": "buffer_end"}

# "append" has inlined the look-up in IMA's hash table, whose chains get longer with
# the list, whatever is measured.
GROUPS = ("ima", "append", "tpm", "interface")
APPEND = ("ima_append_template_entry", "ima_lookup_digest_entry")


def group_of(path: str, function: str) -> str:
    """The group of a function in an object file, by its path in the build directory."""
    if path.startswith("security/"):
        return "append" if function in APPEND else "ima"
    return "interface" if os.path.basename(path).startswith(("tpm_tis", "tpm_crb")) else "tpm"


def symbols(path: Path) -> list[tuple[str, int, int]]:
    """The functions of an object file or a kernel: name, address, size."""
    listing = subprocess.run(["nm", "--print-size", "--defined-only", path], check=True, stdout=subprocess.PIPE, text=True)
    found = []
    for line in listing.stdout.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW":
            found.append((words[3], int(words[0], 16), int(words[1], 16)))
    return found


def write_map(obj: Path, path: Path) -> None:
    """Where which group of functions is in the kernel, for the plugin."""
    by_name: dict[tuple[str, int], list[int]] = {}
    for name, address, size in symbols(obj / "vmlinux"):
        by_name.setdefault((name, size), []).append(address)
    code = {}
    for folder in ("security/integrity", "drivers/char/tpm"):
        for file in sorted((obj / folder).rglob("*.o")):
            for name, _, size in symbols(file):
                places = by_name.get((name, size), [])
                # Another file's function may have the same name and size
                if len(places) == 1:
                    code[places[0]] = (places[0] + size, group_of(str(file.relative_to(obj)), name))
    addresses = {name: places[0] for (name, _), places in by_name.items()}
    with open(path, "w", encoding="ascii") as out:
        for group in GROUPS:
            print("group", group, file=out)
        for start, (end, group) in sorted(code.items()):
            print(f"code {start:x} {end:x} {group}", file=out)
        for function, name in EVENTS.items():
            print(f"mark {addresses[function]:x} {name}", file=out)
        print(f"wait {addresses[WAIT[0]]:x} {WAIT[1]}", file=out)


# ---- Booting


def plugin_version() -> int:
    """The version of the plugin interface that QEMU accepts: 9.0 dropped the oldest ones."""
    said = subprocess.run(["qemu-system-x86_64", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return 1 if int(said.split("version ")[1].split(".")[0]) < 9 else 2


def compile_c(source: str, target: Path, *flags: str) -> None:
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", f"-DMARKS={MARKS:#x}ULL", *flags,
                    "-o", target, HERE / source], check=True)


class Kernel:
    """A kernel that is built, and where its groups of functions are."""

    def __init__(self, folder: Path, base: str, vanilla: bool):
        self.build = kernel.build(base, vanilla=vanilla)
        self.map = folder / f"map.{'vanilla' if vanilla else 'series'}"
        write_map(self.build.obj, self.map)


class Boot:
    """A boot of a kernel that runs a script, and what was counted while it ran."""

    def __init__(self, out: Path, kernel: Kernel, script: str, append: str, banks: str | None = None):
        self.out, self.kernel, self.script, self.append, self.banks = out, kernel, script, append, banks
        # For each window, a count for each time that it was open
        self.windows: dict[str, list[dict[str, int]]] = {}
        # For each phase, the TPM's commands
        self.commands: dict[str, list[str]] = {}

    def run(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        shutil.copy(self.out.parent / "workload", self.out)
        counts = self.out / "counts"
        options = {"file": self.out.parent / "plugin.so", "map": self.kernel.map, "out": counts}
        done = vm.run(vm.Machine(
            self.kernel.build.image, self.out,
            # The proxy reads marks before a command: the last phase ends with one
            script=self.script + END, append=self.append, banks=self.banks, smp=1, mem=1024, timeout=7200, faults=True,
            plugin=",".join(f"{name}={vm.quoted(path)}" for name, path in options.items())))
        if done.status:
            raise CannotRun(f"{done.said or f'the guest ended with status {done.status}'}; see {self.out}")
        self.read_counts(counts)
        self.read_commands(self.out / "commands")

    def read_counts(self, path: Path) -> None:
        begun: dict[str, dict[str, int]] = {}
        phase_name = window = ""
        with open(path, encoding="ascii") as file:
            for line in file:
                name, *numbers = line.split()
                count = dict(zip(("kernel", *GROUPS), map(int, numbers)))
                count["core_without_lookup"] = count["ima"] + count["tpm"]
                count["core"] = count["core_without_lookup"] + count["append"]
                begins = name == "buffer_begin"
                if name.isdigit():
                    phase_name, begins = PHASES[int(name) // 2], int(name) % 2 == 0
                    window = phase_name
                else:
                    window = f"{phase_name}.buffer"
                if window == "boot":
                    begun[window] = dict.fromkeys(count, 0)
                    begins = False
                if begins:
                    begun[window] = count
                elif window in begun:
                    self.windows.setdefault(window, []).append(
                        {key: value - begun[window][key] for key, value in count.items()})

    def read_commands(self, path: Path) -> None:
        phase_name = "boot"
        with open(path, encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == "mark":
                    phase_name = words[1]
                else:
                    self.commands.setdefault(phase_name, []).append(words[0])

    def median(self, window: str, group: str = "core") -> float:
        return statistics.median(count[group] for count in self.windows[window])

    def spread(self, over: str, under: str, group: str) -> tuple[float, float]:
        """The range of a ratio of medians, from the middle half of both."""
        low, _, high = statistics.quantiles([count[group] for count in self.windows[over]])
        under_low, _, under_high = statistics.quantiles([count[group] for count in self.windows[under]])
        return low / under_high, high / under_low

    def unreclaimable(self, number: int) -> int:
        """Kernel memory in KiB that /out/memory.NUMBER says is in use."""
        with open(self.out / f"memory.{number}", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("SUnreclaim:"))


# ---- Figures

Boots = Sequence[Boot]


def medians(name: str, over: Boots, under: Boots, window: str, group: str = "core", goal: float | None = None) -> Figure:
    return ratio(name, [boot.median(window, group) for boot in over], [boot.median(window, group) for boot in under], goal)


def per_run(name: str, boots: Boots, unit: str, value: Callable[[Boot], float]) -> Figure:
    values = [value(boot) for boot in boots]
    return figure(name, statistics.median(values), unit, (min(values), max(values)))


def compared(vanilla: Boots, idle: Boots, recorded: Boots) -> list[Figure]:
    rows = []
    for name, window in (("measuring a file", "files"), ("boot to user space", "boot"), ("kexec load", "kexec"),
                         ("TPM command that changes no PCR", "get_random"), ("TPM2_PCR_Extend", "extend")):
        goal = 1.005 if window == "files" else None
        rows.append(medians(f"{name}: no rule", idle, vanilla, window, goal=goal))
        rows.append(medians(f"{name}: no rule, whole kernel", idle, vanilla, window, "kernel", goal))
        rows.append(medians(f"{name}: with records", recorded, vanilla, window))
    return rows


def commands(vanilla: Boots, idle: Boots, recorded: Boots) -> list[Figure]:
    def more(boots: Boots, phase_name: str) -> float:
        return (statistics.median(len(boot.commands[phase_name]) for boot in boots) -
                statistics.median(len(boot.commands[phase_name]) for boot in vanilla))

    rows = []
    for name, phase_name, repeated in (("a file", "files", FILES), ("boot", "boot", 1), ("a kexec load", "kexec", 10)):
        rows.append(figure(f"TPM commands more for {name}: no rule", more(idle, phase_name) / repeated, "commands"))
        rows.append(figure(f"TPM commands more for {name}: with records", more(recorded, phase_name) / repeated, "commands"))
    return rows


def cost_in_window(size: int, boot: Boot) -> float:
    """An entry's cost, against a measured file, where there is a record every @size entries."""
    return boot.median(f"window_{size}") / size / boot.median("files")


def one_record(recorded: Boots, grown: Boot) -> list[Figure]:
    records, buffers = f"records_{LENGTHS[0]}", f"buffers_{LENGTHS[0]}"
    per = [grown.commands[records].count(code) / len(grown.windows[records]) for code in ("PCR_Read", "PCR_Extend")]
    others = len(grown.commands[records]) / len(grown.windows[records]) - sum(per)
    rows = [
        figure("a record: TPM2_PCR_Read", per[0], "commands", goal=1),
        figure("a record: TPM2_PCR_Extend", per[1], "commands", goal=1),
        figure("a record: other TPM commands", others, "commands", goal=0),
    ]
    for name, group, goal in (("", "core", 3), (", whole kernel", "kernel", 3)):
        rows.append(figure(f"a record against an ima-buf entry of its length{name}",
                           grown.median(records, group) / grown.median(buffers + ".buffer", group), "times",
                           grown.spread(records, buffers + ".buffer", group), goal))
    rows.append(per_run("a record against a measured file", recorded, "times",
                        lambda boot: grown.median(records) / boot.median("files")))
    for size in WINDOWS:
        rows.append(per_run(f"a record every {size} entries: an entry", recorded, "times",
                            functools.partial(cost_in_window, size)))
    return rows


def growth(grown: Boot) -> list[Figure]:
    rows = []
    for length in LENGTHS[1:]:
        for name, what, group in (("a record", "records_{}", "core"), ("an ima-buf entry", "buffers_{}.buffer", "core"),
                                  ("a record but for the look-up", "records_{}", "core_without_lookup")):
            over, under = what.format(length), what.format(LENGTHS[0])
            rows.append(figure(f"{name} at {length:,} entries against {LENGTHS[0]}",
                               grown.median(over, group) / grown.median(under, group), "times",
                               grown.spread(over, under, group), 1 if "look-up" in name else None))
    return rows


def memory(boots: dict[str, Boot]) -> list[Figure]:
    rows = []
    for banks, boot in boots.items():
        count = banks.count(",") + 1
        banks_text = f"{count} bank{'s' if count > 1 else ''}"
        used = [boot.unreclaimable(number) for number in (1, 2)]
        size = [(boot.out / f"list.{number}").stat().st_size for number in (1, 2)]
        rows.append(figure(f"kernel memory for a record, {banks_text}", (used[1] - used[0]) * 1024 / MEMORY_RECORDS, "bytes"))
        rows.append(figure(f"log for a record, {banks_text}", (size[1] - size[0]) / MEMORY_RECORDS, "bytes"))
    return rows


# ---- The picture

def picture(instructions: dict[str, dict[str, float]]) -> str:
    """A script for gnuplot."""
    file_cost = instructions["files"]
    bars = [("without\\nthe series", file_cost["vanilla"]), ("no rule", file_cost["idle"]),
            *((f"a record\\nevery {size}", instructions[f"window_{size}"]["recorded"] / size) for size in reversed(WINDOWS))]
    lines = [f"{length} {instructions[f'records_{length}']['grown']} {instructions[f'buffers_{length}.buffer']['grown']}"
             for length in LENGTHS]
    bar_rows, line_rows = "\n".join(f'"{name}" {value}' for name, value in bars), "\n".join(lines)
    return f"""
set terminal svg size 1000,420 font "sans-serif,13" background "white"
set multiplot layout 1,2
set style fill solid 0.6
set boxwidth 0.6
set bmargin 4
set yrange [0:{1.15 * max(value for _, value in bars)}]
set ytics format "%'.0f"
set grid ytics
set title "Instructions in IMA and the TPM core for a measured file"
unset key
$bars << EOD
{bar_rows}
EOD
plot $bars using 0:2:xticlabels(1) with boxes linecolor "#4477aa", "" using 0:2:(sprintf("%.0f", $2)) with labels offset 0,0.7
set title "... and for an entry, by the length of the list"
set key bottom right
set logscale x
set xtics format "%'.0f"
set xlabel "entries in the list"
set xrange [{LENGTHS[0] / 2}:{LENGTHS[-1] * 2}]
$lines << EOD
{line_rows}
EOD
plot $lines using 1:2 with linespoints linewidth 2 linecolor "#4477aa" title "a record", \\
"" using 1:3 with linespoints linewidth 2 linecolor "#cc6677" title "an ima-buf entry of its length"
"""


# ---- All of it

def run_all(boots: Sequence[Boot], base: str) -> None:
    """Two at a time."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        try:
            for done, finished in enumerate(concurrent.futures.as_completed([pool.submit(boot.run) for boot in boots]), 1):
                finished.result()
                say(f"bench kernel ({base}): {done} of {len(boots)} boots")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run(base: str) -> None:
    folder = BUILD / "bench" / f"kernel-{base}"
    folder.mkdir(parents=True, exist_ok=True)
    compile_c("plugin.c", folder / "plugin.so", "-fPIC", "-shared", "-fvisibility=hidden",
              f"-DPLUGIN_VERSION={plugin_version()}")
    compile_c("workload.c", folder / "workload", "-static")
    vanilla, series = Kernel(folder, base, vanilla=True), Kernel(folder, base, vanilla=False)
    tcb = "ima_policy=tcb"
    both = f"{tcb} ima_policy=critical_data"

    # The longest first, then alternately
    grown = Boot(folder / "grown", series, GROWN, both)
    by_banks = {banks: Boot(folder / f"memory-{banks.count(',') + 1}", series, MEMORY, both, banks) for banks in BANKS}
    kinds: dict[str, list[Boot]] = {"vanilla": [], "idle": [], "recorded": []}
    in_order = [grown, *by_banks.values()]
    for number in range(RUNS):
        for kind, booted, script, append in (("vanilla", vanilla, COMPARED, tcb), ("idle", series, COMPARED, tcb),
                                             ("recorded", series, RECORDED, both)):
            boot = Boot(folder / f"{kind}-{number}", booted, script, append)
            kinds[kind].append(boot)
            in_order.append(boot)
    run_all(in_order, base)

    instructions: dict[str, dict[str, float]] = {}
    for kind, boots in (*kinds.items(), ("grown", [grown])):
        for window in boots[0].windows:
            instructions.setdefault(window, {})[kind] = statistics.median(boot.median(window) for boot in boots)
    rows = compared(**kinds) + commands(**kinds) + one_record(kinds["recorded"], grown) + growth(grown) + memory(by_banks)
    write(folder, f"The kernel, {base}: instructions in IMA and the TPM core", rows, picture(instructions),
          instructions=instructions)
