# SPDX-License-Identifier: GPL-2.0-only
"""The verifier, as a program."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.built import locked
from lab.paths import BUILD, TOP
from patchset.console import run_long

BINARY = BUILD / "imatally"


@dataclass(frozen=True)
class Answer:
    status: int
    # What it printed, errors too
    text: str
    # Without "verdict: "; empty if there is none
    verdict: str

    @property
    def json(self) -> dict:
        return json.loads(self.text)


def build() -> Path:
    with locked(BINARY):
        run_long("building the verifier", ["make", "-C", TOP / "tools" / "ima"])
    return BINARY


def call(*args: str | Path, **popen) -> Answer:
    done = subprocess.run([BINARY, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", errors="replace", **popen)
    verdict = re.search(r"^verdict: (.*)$", done.stdout, re.M)
    return Answer(done.returncode, done.stdout, verdict[1] if verdict else "")


def verify(measurements: Path, pcrs: Path | None = None, *options: str | Path) -> Answer:
    """What the verifier says of a list; its exit statuses are in imatally(1)."""
    return call("verify", *options, measurements, *(("--pcrs", pcrs) if pcrs else ()))


def show(measurements: Path) -> str:
    return call("show", measurements).text
