# SPDX-License-Identifier: GPL-2.0-only
"""
What the worst lists cost: time that grows with their length, and no more memory than others.

Instructions are counted, and memory is limited. What millions of entries cost is measured by bench/worst_cost.py.
"""

import re
import resource
import subprocess
from pathlib import Path

import pytest

from lab import ca, lists
from lab.verifier import Verifier

pytestmark = pytest.mark.check

KINDS = ["records", "findings", "violations", "kernels", "claims", "names", "lost", "altered", "matches"]
# The promise is 16 MiB beside the answer; a list of so many intervals takes more if it keeps them
MEMORY = 8 << 20
LONG = 40_000
# Of which the second is three times as long
SHORT = (1_000, 3_000)


class Costly:
    """A list of one kind, with its PCR values, and the options that it asks for."""

    def __init__(self, verifier: Verifier, folder: Path, kind: str, entries: int):
        folder.mkdir(exist_ok=True)
        subprocess.run([verifier.program("write_costly"), folder, kind, str(entries)], check=True)
        self.folder, self.kind = folder, kind
        self.log = folder / "log"

    def command(self, verifier: Verifier, *options: str | Path) -> list[str | Path]:
        more = ["--record-pcr", "11"] if self.kind == "matches" else []
        return [verifier.binary, "verify", self.log, "--pcrs", self.folder / "pcrread", *more, *options]

    def ways(self) -> dict[str, list[str | Path]]:
        """Each with the options that it takes."""
        ways: dict[str, list[str | Path]] = {
            "text": [],
            "json": ["--json"],
            "page": ["--html", self.folder / "page"],
            "state": ["--state", self.folder / "state"],
        }
        if self.kind == "lost":
            ways["with"] = ["--with", self.folder / "copy"]
        return ways


def limited(command, memory):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit, check=False)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("kind", KINDS)
def test_memory(verifier, tmp_path, kind):
    costly = Costly(verifier, tmp_path, kind, LONG)
    for way, options in costly.ways().items():
        command = costly.command(verifier, *options)
        subprocess.run(command, stdout=open(tmp_path / "answer", "wb"), check=False)
        # JSON has all intervals, a page and a state all findings
        answer = sum(size(tmp_path / name) for name in ("answer", "page", "state"))
        done = limited(command, MEMORY + answer)
        assert done.returncode in (0, 1, 2), (kind, way, done.stderr)


def instructions(command) -> int:
    done = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode in (0, 1, 2), done.stderr
    return int(re.search(r"I\s+refs:\s+([0-9,]+)", done.stderr)[1].replace(",", ""))


@pytest.fixture(scope="module")
def start(verifier):
    """To start the program."""
    return instructions([verifier.binary, "--version"])


@pytest.mark.parametrize("kind", KINDS)
def test_time(verifier, tmp_path, start, kind):
    short, long = (Costly(verifier, tmp_path / str(entries), kind, entries) for entries in SHORT)
    for some in (["page", "state"], ["json"], ["with"] if kind == "lost" else []):
        took = [instructions(one.command(verifier, *sum((one.ways()[way] for way in some), []))) - start
                for one in (short, long)]
        assert took[1] < 3.3 * took[0], (kind, some, took)


@pytest.mark.parametrize("kind", ["violations", "altered"])
def test_time_of_an_ascii_list(verifier, tmp_path, kind):
    took = []
    for entries in SHORT:
        costly = Costly(verifier, tmp_path / str(entries), kind, entries)
        lists.write_ascii(costly.log, tmp_path / "ascii")
        costly.log = tmp_path / "ascii"
        took.append(instructions(costly.command(verifier)))
    assert took[1] < 3.3 * took[0], took


def test_the_search_for_failed_extends_ends(verifier, tmp_path):
    """Its limit is on the whole list, not on each of its records."""
    took = []
    for entries in (2_000, 20_000):
        costly = Costly(verifier, tmp_path / str(entries), "failed", entries)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(costly.command(verifier), stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime - before.ru_utime)
    assert took[1] < 3 * took[0], took


def test_a_state_of_many_findings_can_be_read(verifier, tmp_path):
    costly = Costly(verifier, tmp_path, "findings", LONG)
    command = costly.command(verifier, "--state", tmp_path / "state")
    for _ in range(2):
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
    assert f"{LONG + 2} entries verified before, 0 new" in done.stdout


@pytest.mark.parametrize("value", ["{}", "[]", '""', '{"a":{}}', "[" * 1_000 + "]" * 1_000])
def test_memory_of_evidence(verifier, tmp_path, value):
    """A manifest has at most a megabyte, but the values in it may take many times as much."""
    ca.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", tmp_path / "key.pem")
    ca.openssl("ec", "-in", tmp_path / "key.pem", "-pubout", "-out", tmp_path / "ak.pem")
    (tmp_path / "log").touch()
    (tmp_path / "manifest.json").write_text("[" + ",".join([value] * (1_000_000 // (len(value) + 1))) + "]", encoding="ascii")
    done = limited([verifier.binary, "verify", "--evidence", tmp_path, "--ak", tmp_path / "ak.pem", "--nonce", "00"], MEMORY)
    assert done.returncode == 3 and b"manifest.json: more than 10000 values" in done.stderr, done.stderr
