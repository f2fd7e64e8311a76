# SPDX-License-Identifier: GPL-2.0-only
"""Programs that a virtual machine consists of."""

import shutil
import subprocess
import time
from pathlib import Path

from patchset.console import dying_with_parent


class CannotRun(Exception):
    """The VM can't be run; the text says why and what to do."""


def require(program: str, deps: str = "demo") -> None:
    """@deps: the target of scripts/deps that installs it."""
    if not shutil.which(program):
        raise CannotRun(f"{program} is not installed; scripts/deps {deps} installs what is missing")


def start(argv: list, **popen) -> subprocess.Popen:
    """Start a program that gets killed when this one ends, however that happens."""
    require("setpriv")
    return subprocess.Popen(dying_with_parent(argv, "KILL"), stdin=subprocess.DEVNULL, **popen)


def stop(process: subprocess.Popen | None) -> None:
    if process:
        process.kill()
        process.wait()


# A socket that listens, among the flags of /proc/net/unix
ACCEPTS_CONNECTIONS = 0x10000


def listens(socket: Path) -> bool:
    """Can @socket be connected to? It is there before that: bind(2) makes it, and listen(2) comes later."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        rows = [line.split(maxsplit=7) for line in table]
    return any(row[7].rstrip("\n") == str(socket) and int(row[3], 16) & ACCEPTS_CONNECTIONS
               for row in rows[1:] if len(row) == 8)


def start_server(argv: list, socket: Path, name: str) -> subprocess.Popen:
    """Start a program that listens on @socket, which is named as it names it, and wait until it does."""
    process = start(argv)
    try:
        while not listens(socket):
            if process.poll() is not None:
                raise CannotRun(f"{name} ended with status {process.returncode}")
            time.sleep(0.01)
    except BaseException:
        stop(process)
        raise
    return process


def socket_path(path: Path | str) -> str:
    path = str(Path(path).absolute())
    if len(path.encode()) > 107:
        raise CannotRun(f"{path}: too long for a socket's path (107 bytes)")
    return path
