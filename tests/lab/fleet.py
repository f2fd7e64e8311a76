# SPDX-License-Identifier: GPL-2.0-only
"""A fleet on this machine: nats-server, verifiers, and hosts with software TPMs whose agents answer them."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lab.host import HANDLE, Host
from lab.process import CannotRun, require, start, stop
from lab.verifier import Answer, Verifier


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(found: Callable[[], Any], seconds: float = 30, pause: float = 0.1) -> Any:
    """Wait until @found returns something, and return that."""
    end = time.monotonic() + seconds
    while not (got := found()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(pause)
    return got


@dataclass(frozen=True)
class Certificate:
    """A key, and a certificate that it signed itself for a name, such as DNS:example.org."""
    key: Path
    pem: Path

    @classmethod
    def new(cls, folder: Path, name: str) -> Self:
        one = cls(folder / "server.key", folder / "server.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=server", "-addext",
                        f"subjectAltName={name}", "-keyout", one.key, "-out", one.pem], check=True, capture_output=True)
        return one

    @property
    def options(self) -> tuple[str | Path, ...]:
        return "--tls-cert", self.pem, "--tls-key", self.key, "--tls-ca", self.pem


class Fleet:
    """Use as a context manager, which starts the server; @folder must not exist yet."""

    def __init__(self, verifier: Verifier, folder: Path, interval: int = 2, deadline: int = 4,
                 tls: Certificate | None = None):
        self.verifier, self.folder = verifier, folder
        self.interval, self.deadline = interval, deadline
        self.port = free_port()
        self.tls = tls
        self.server: subprocess.Popen | None = None
        self.started: list[subprocess.Popen] = []

    @property
    def url(self) -> str:
        return f"{'tls' if self.tls else 'nats'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        require("nats-server", "check")
        done = self.fleet("init", self.folder, "--listen", f"127.0.0.1:{self.port}", *(self.tls.options if self.tls else ()))
        if done.status:
            raise CannotRun(done.text)
        self.start_server()
        return self

    def __exit__(self, *_exception) -> None:
        for process in self.started:
            stop(process)
        stop(self.server)

    # ---- The server

    def start_server(self) -> None:
        log = open(self.folder / "server.log", "ab")
        self.server = start(["nats-server", "-c", "nats-server.conf"], cwd=self.folder, stdout=log, stderr=log)
        until(self.answers)

    def answers(self) -> bool:
        assert self.server and self.server.poll() is None, (self.folder / "server.log").read_text(encoding="utf-8")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            return connection.recv(5) == b"INFO "
        return False

    def kill_server(self) -> None:
        stop(self.server)

    def reload(self) -> None:
        """Have the server read the list of users again."""
        assert self.server
        said = self.server_log().count("Reloaded server configuration")
        self.server.send_signal(signal.SIGHUP)
        until(lambda: self.server_log().count("Reloaded server configuration") > said)

    def server_log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8")

    # ---- Programs

    def program(self, name: str) -> Path:
        return self.verifier.binary.with_name(f"imatally-{name}")

    def fleet(self, *args: str | Path) -> Answer:
        done = subprocess.run([self.program("fleet"), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, name: str, log: str, *args: str | Path, **popen) -> subprocess.Popen:
        out = open(self.folder / log, "ab")
        process = start([self.program(name), *args], stdout=out, stderr=out, **popen)
        self.started.append(process)
        return process

    def start_verifier(self, name: str = "verifier") -> subprocess.Popen:
        return self.start("verifier", f"{name}.log", "--fleet", self.folder, "--interval", str(self.interval), "--deadline",
                          str(self.deadline))

    def start_agent(self, host: Host, name: str, *options: str | Path) -> subprocess.Popen:
        ca: list[str | Path] = []
        if self.tls:
            ca = ["--ca", self.tls.pem]
        return self.start("agent", f"agent-{name}.log", "--server", self.url, "--host", name, "--seed",
                          self.seed(name), "--ak", HANDLE, "--tcti", host.tpm.tcti, "--ima", host.ima, *ca, *options)

    def seed(self, name: str) -> Path:
        return self.folder / "hosts" / f"{name}.seed"

    # ---- Hosts

    def add(self, name: str, key: Path, option: str = "--ak") -> None:
        done = self.fleet("add", self.folder, name, option, key)
        assert done.status == 0, done.text
        self.reload()

    @contextlib.contextmanager
    def host(self, name: str, more: int = 3, banks: str = "sha256") -> Iterator[Host]:
        """A host that booted and was added; its agent does not run yet."""
        with Host(self.verifier, self.folder / f"host-{name}", banks) as host:
            host.boot(more)
            host.must_create_ak("ak.pem")
            self.add(name, host.folder / "ak.pem")
            yield host

    def status(self) -> dict[str, dict]:
        """Nothing while the server does not answer."""
        done = self.fleet("status", self.folder, "--json")
        return {host["host"]: host for host in json.loads(done.out)["hosts"]} if done.out else {}

    def history(self, name: str) -> list[dict]:
        return [json.loads(line) for line in self.fleet("history", self.folder, name).out.splitlines()]

    def becomes(self, name: str, word: str, since: float = 0, seconds: float = 30, **wanted: Any) -> dict:
        """Wait for a status that is of a nonce since then."""
        def right() -> dict | None:
            host = self.status().get(name, {})
            fits = host.get("status") == word and host["time"] >= int(since)
            return host if fits and all(host[key] == value for key, value in wanted.items()) else None
        try:
            return until(right, seconds, max(0.1, self.interval / 20))
        except AssertionError:
            raise AssertionError(f"{name} is not {word}: {self.status().get(name)}\n{self.logs()}") from None

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n" + "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])
                         for log in sorted(self.folder.glob("*.log")))
