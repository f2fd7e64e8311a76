# SPDX-License-Identifier: GPL-2.0-only
"""A client of nats-server that does what it is told, also what the server has to refuse."""

import base64
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# What precedes the 32 bytes of a private Ed25519 key in DER
ED25519 = bytes.fromhex("302e020100300506032b657004220420")


@dataclass(frozen=True)
class Message:
    subject: str
    data: bytes


class ServerClosed(Exception):
    """The server has ended the connection."""


def raw_seed(seed: str) -> bytes:
    return base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]


def sign(seed: str, text: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        key, data = Path(name, "key"), Path(name, "data")
        key.write_bytes(ED25519 + raw_seed(seed))
        data.write_text(text, encoding="utf-8")
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in", data],
                              stdout=subprocess.PIPE, check=True)
    return base64.urlsafe_b64encode(done.stdout).rstrip(b"=").decode()


class Client:
    """Connected as the user of a seed and a public key; use as a context manager."""

    def __init__(self, port: int, seed: Path):
        self.connection = socket.create_connection(("127.0.0.1", port), 10)
        self.buffer = b""
        self.messages: list[Message] = []
        self.errors: list[str] = []
        info = json.loads(self._line().removeprefix("INFO "))
        secret = seed.read_text(encoding="utf-8").strip()
        self._send("CONNECT " + json.dumps({
            "verbose": False, "pedantic": False, "headers": True, "lang": "python", "version": "0", "protocol": 1,
            "nkey": seed.with_suffix(".pub").read_text(encoding="utf-8").strip(), "sig": sign(secret, info["nonce"])}))
        self.settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        self.connection.close()

    def _send(self, line: str, data: bytes = b"") -> None:
        self.connection.sendall(line.encode() + b"\r\n" + data)

    def _more(self) -> None:
        try:
            more = self.connection.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        if not more:
            raise ServerClosed
        self.buffer += more

    def _line(self) -> str:
        while b"\r\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    def _bytes(self, size: int) -> bytes:
        while len(self.buffer) < size + 2:
            self._more()
        data, self.buffer = self.buffer[:size], self.buffer[size + 2:]
        return data

    def _take(self) -> str:
        """Take one thing that the server says; returns its first word."""
        line = self._line()
        word, *rest = line.split(" ")
        if word == "MSG":
            self.messages.append(Message(rest[0], self._bytes(int(rest[-1]))))
        elif word == "HMSG":
            self.messages.append(Message(rest[0], self._bytes(int(rest[-1]))[int(rest[-2]):]))
        elif word == "-ERR":
            self.errors.append(line)
        elif word == "PING":
            self._send("PONG")
        return word

    def settle(self) -> None:
        """Wait until the server has seen all that was sent."""
        self._send("PING")
        while self._take() != "PONG":
            pass

    def publish(self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None) -> None:
        head = "" if headers is None else "NATS/1.0\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        words = ["HPUB" if head else "PUB", subject, *([reply] if reply else []),
                 *([str(len(head))] if head else []), str(len(head) + len(data))]
        self._send(" ".join(words), head.encode() + data + b"\r\n")

    def subscribe(self, subject: str) -> None:
        self._send(f"SUB {subject} {id(subject) % 10000}")
        self.settle()

    def refused(self, subject: str) -> bool:
        """Did the server refuse something with this subject?"""
        self.settle()
        return any("Permissions Violation" in error and f'"{subject}"' in error for error in self.errors)

    def request(self, subject: str, data: bytes = b"") -> Message:
        """Ask the server, as a verifier may."""
        inbox = f"_INBOX.verifier.{len(self.messages)}.{time.monotonic_ns()}"
        self.subscribe(inbox)
        self.publish(subject, data, reply=inbox)
        return next(message for message in self.received() if message.subject == inbox)

    def received(self, seconds: float = 20) -> Iterator[Message]:
        """Messages as they come, until none has come for so long."""
        at = 0
        self.connection.settimeout(seconds)
        while True:
            while at == len(self.messages):
                try:
                    self._take()
                except TimeoutError:
                    return
            yield self.messages[at]
            at += 1
