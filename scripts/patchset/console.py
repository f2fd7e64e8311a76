# SPDX-License-Identifier: GPL-2.0-only
"""Progress for people, and long-running commands that report it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

TOP = Path(__file__).resolve().parents[2]
LOGS = TOP / "build" / "log"
TAIL_LINES = 25
REPORT_EVERY = 15

# Commands start each other. All of them count from the start of the first.
os.environ.setdefault("SAY_START", str(int(time.time())))

# pytest captures stderr. Its configuration sets this to the terminal.
stream: TextIO | None = None


class Failed(Exception):
    """A command failed; the text says which, and has the end of its output."""


def say(text: str) -> None:
    """Print progress on stderr: stdout is for results."""
    elapsed = int(time.time()) - int(os.environ["SAY_START"])
    print(f"[{elapsed:4d} s] {text}", file=stream or sys.stderr, flush=True)


def tail(text: str, lines: int = TAIL_LINES) -> str:
    return "\n".join(text.splitlines()[-lines:])


def dying_with_parent(argv: list, signal: str = "TERM") -> list[str]:
    """@argv as a command that gets @signal when this process ends, however that happens."""
    return ["setpriv", "--pdeathsig", signal, "--", *map(str, argv)]


def run_long(what: str, argv: list, log: Path | None = None, **popen) -> None:
    """
    Run a command that may take minutes, with its output in a log file.

    Says @what, and every 15 s that it still runs. The command ends when this process does. Raises Failed, with the
    end of the output, if the command fails.
    """
    log = Path(log) if log else LOGS / (re.sub(r"[^\w.-]", "_", what) + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    say(what)
    start = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(dying_with_parent(argv), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, **popen)
        try:
            while True:
                try:
                    status = process.wait(REPORT_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    say(f"{what}: running for {time.monotonic() - start:.0f} s (output in {log})")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if status:
        text = tail(log.read_text(encoding="utf-8", errors="replace"))
        raise Failed(f"{text}\n{what}: failed with status {status}; the whole output is in {log}")
