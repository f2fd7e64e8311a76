# SPDX-License-Identifier: GPL-2.0-only
"""
What a fleet costs.

Many machines with TPMs in software (bench/fleet_load.c) answer the challenges of one verifier, and of two, through one
nats-server on this machine, each time with ten more entries and a quote that is signed with ECDSA. Measured while all are
challenged as fast as the verifiers can: evidences a second, CPU time of each program for one, time from evidence to
verdict, memory, and what the server stores for a host. With FULL=1: 10,000 machines, and first lists of 2,000 entries.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, figure, write
from lab.fleet import Fleet
from lab.paths import BUILD
from lab.process import start
from lab.verifier import PLAIN
from patchset.console import Failed, say

FULL = os.environ.get("FULL") == "1"
HOSTS = 10000 if FULL else 500
ENTRIES = 1990 if FULL else 100
SECONDS = 600 if FULL else 30
LOAD = BUILD / "imatally.o/fleet_load"


@dataclass(frozen=True)
class Usage:
    cpu: float      # seconds
    memory: float   # MiB

    @classmethod
    def of(cls, process: subprocess.Popen) -> "Usage":
        # After the name, which may have spaces
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return cls((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
                   int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2 ** 20)


def add_user(fleet: Fleet, name: str) -> None:
    """A user who may do for all hosts what a host may do for itself, and read results."""
    key = fleet.folder / "load.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key], check=True)
    key.write_bytes(subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, stdout=subprocess.PIPE).stdout)
    fleet.add(name, key)
    users = fleet.folder / "users.conf"
    text = users.read_text(encoding="utf-8")
    for kind in ("evidence", "parts"):
        text = text.replace(f"imatally.{kind}.{name}", f'"imatally.{kind}.*"')
    text = text.replace(f"[imatally.challenge.{name}]", '["imatally.challenge.*", "imatally.result.*"]')
    users.write_text(text, encoding="utf-8")
    fleet.reload()


def expect(load: subprocess.Popen, word: str) -> str:
    assert load.stdout
    line = load.stdout.readline().decode().strip()
    if not line.startswith(word):
        raise Failed(f"fleet_load said {line!r} and not {word!r}")
    return line


def stored(folder: Path) -> int:
    """Bytes"""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(nr: int, fleet: Fleet) -> dict[str, float]:
    """The figures of so many verifiers."""
    add_user(fleet, "load")
    load = start([LOAD, fleet.folder, fleet.seed("load"), str(HOSTS), str(ENTRIES), str(SECONDS)], stdout=subprocess.PIPE)
    fleet.started.append(load)
    expect(load, "ready")
    begin = time.monotonic()
    verifiers = [fleet.start_verifier(f"verifier{i}") for i in range(nr)]
    time.sleep(1)
    if any(one.poll() is not None for one in verifiers):
        raise Failed(f"a verifier ended\n{fleet.logs()}")
    expect(load, "all")
    first = time.monotonic() - begin
    assert fleet.server
    programs = {"verifier": verifiers, "server": [fleet.server]}
    before = {name: [Usage.of(one) for one in them] for name, them in programs.items()}
    found = json.loads(expect(load, "{"))
    after = {name: [Usage.of(one) for one in them] for name, them in programs.items()}
    if found["wrong"]:
        raise Failed(f"{found['wrong']} verdicts were not \"complete\"\n{fleet.logs()}")
    cpu = {name: sum(one.cpu for one in after[name]) - sum(one.cpu for one in before[name]) for name in programs}
    return {"rate": found["results"] / SECONDS, "first": HOSTS / first, "p50": found["p50"] / 1000, "p99": found["p99"] / 1000,
            "sent": found["bytes"] / found["results"], "stored": stored(fleet.folder / "jetstream") / HOSTS,
            "memory": max(one.memory for one in after["verifier"]), "server memory": after["server"][0].memory,
            "growth": max(one.memory for one in after["verifier"]) - max(one.memory for one in before["verifier"]),
            **{f"{name} cpu": used / found["results"] * 1e6 for name, used in cpu.items()}}


def rows(nr: int, got: dict[str, float]) -> list[Figure]:
    who = "1 verifier" if nr == 1 else f"{nr} verifiers"
    return [figure(f"{who}: evidences a second", got["rate"], "/s"),
            figure("... first lists a second", got["first"], "/s"),
            figure("... CPU time of verifiers for one evidence", got["verifier cpu"], "us"),
            figure("... CPU time of the server for one", got["server cpu"], "us"),
            figure("... from evidence to verdict, median", got["p50"], "ms"),
            figure("... 99th percentile", got["p99"], "ms"),
            figure("... sent for one evidence", got["sent"], "bytes"),
            figure("... memory of a verifier", got["memory"], "MiB"),
            figure("... by how much it grew meanwhile", got["growth"], "MiB"),
            figure("... memory of the server", got["server memory"], "MiB"),
            figure("... stored for a host", got["stored"] / 1024, "KiB")]


def run(_base: str) -> None:
    PLAIN.make("building the programs of a fleet", "all", "bench")
    if not LOAD.exists():
        raise Failed("libnats is not installed; scripts/deps fleet installs what is missing")
    out = BUILD / "bench"
    out.mkdir(parents=True, exist_ok=True)
    found: list[Figure] = []
    got: dict[int, dict[str, float]] = {}
    for nr in (1, 2):
        say(f"bench fleet: {HOSTS} hosts, {nr} verifier(s)")
        folder = out / "fleet"
        shutil.rmtree(folder, ignore_errors=True)
        with Fleet(PLAIN, folder, interval=1, deadline=600) as fleet:
            got[nr] = measure(nr, fleet)
        found += rows(nr, got[nr])
    shutil.rmtree(out / "fleet")
    found.append(figure("evidences a second, 2 verifiers against 1", got[2]["rate"] / got[1]["rate"], "times"))
    picture = "set style fill solid\nset boxwidth 0.5\nset yrange [0:]\nset ylabel 'us of CPU time for an evidence'\n" \
        "set style data histogram\nset style histogram rowstacked\n" \
        "plot '-' using 2:xtic(1) title 'verifier', '' using 2 title 'nats-server'\n" + \
        "".join("".join(f'"{nr} verifier(s)" {one[name]:.0f}\n' for nr, one in got.items()) + "e\n"
                for name in ("verifier cpu", "server cpu"))
    write(out / "fleet", f"A fleet of {HOSTS:,} hosts, first lists of {ENTRIES:,} entries, then 10 more each", found,
          "set terminal svg size 600,420 font \"sans-serif,13\" background \"white\"\n" + picture, hosts=HOSTS, entries=ENTRIES, seconds=SECONDS)
