# SPDX-License-Identifier: GPL-2.0-only
"""Talks to QEMU's monitor."""

import json
import socket
from pathlib import Path
from typing import Any


class QmpError(Exception):
    """QEMU refused a command, or does not answer."""


class Qmp:
    """A connection to QEMU's QMP socket, as a context manager."""

    def __init__(self, path: Path, timeout: float = 10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.path = path

    def __enter__(self) -> "Qmp":
        try:
            self.socket.connect(str(self.path))
            self.lines = self.socket.makefile("rw", encoding="utf-8")
            self.lines.readline()
            self.execute("qmp_capabilities")
        except OSError as error:
            self.socket.close()
            raise QmpError(f"no connection to QEMU: {error}") from None
        return self

    def __exit__(self, *_exception) -> None:
        self.socket.close()

    def execute(self, command: str, **arguments) -> Any:
        """The answer to a command. Events that come meanwhile are passed over."""
        try:
            self.lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self.lines.flush()
            while line := self.lines.readline():
                answer = json.loads(line)
                if "error" in answer:
                    raise QmpError(f"{command}: {answer['error']['desc']}")
                if "return" in answer:
                    return answer["return"]
        except (OSError, ValueError) as error:
            raise QmpError(f"{command}: {error}") from None
        raise QmpError(f"{command}: QEMU has ended")

    def monitor(self, line: str) -> str:
        """What the monitor for people answers. It reports errors in its text."""
        return self.execute("human-monitor-command", **{"command-line": line}).replace("\r\n", "\n")
