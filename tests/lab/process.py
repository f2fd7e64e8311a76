# SPDX-License-Identifier: GPL-2.0-only
"""Programs that a virtual machine consists of."""

import shutil
import subprocess
import time
from pathlib import Path

from patchset.console import dying_with_parent


class CannotRun(Exception):
    """The VM can't be run; the text says why and what to do."""


def require(program: str) -> None:
    if not shutil.which(program):
        raise CannotRun(f"{program} is not installed; scripts/deps demo installs what is missing")


def start(argv: list, **popen) -> subprocess.Popen:
    """Start a program that gets killed when this one ends, however that happens."""
    require("setpriv")
    return subprocess.Popen(dying_with_parent(argv, "KILL"), stdin=subprocess.DEVNULL, **popen)


def stop(process: subprocess.Popen | None) -> None:
    if process:
        process.kill()
        process.wait()


def start_server(argv: list, socket: Path, name: str) -> subprocess.Popen:
    """Start a program that makes @socket, and wait until it has."""
    process = start(argv)
    try:
        while not socket.exists():
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
