# SPDX-License-Identifier: GPL-2.0-only
"""The verifier, as a program, in the builds that tests run."""

import json
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from lab import arch as architectures
from lab import debian
from lab.paths import BUILD, TOP
from patchset.console import run_long
from patchset.lock import locked

SOURCE = TOP / "tools" / "ima"
VECTORS = SOURCE / "vectors"


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """What it printed, errors too."""
        return self.out + self.err

    @property
    def verdict(self) -> str:
        """Without "verdict: "; empty if there is no verdict."""
        found = re.search(r"^verdict: (.*)$", self.out, re.M)
        return found[1] if found else ""

    @property
    def json(self) -> dict:
        return json.loads(self.out)

    def says(self, pattern: str) -> bool:
        """Is the regular expression found in what it printed?"""
        return re.search(pattern, self.text, re.M) is not None


@dataclass(frozen=True)
class Verifier:
    """A build of the verifier, and of the programs of its tests."""
    name: str
    # Where make puts its objects, the tests' programs among them
    objects: Path
    binary: Path
    mklog: Path
    # Settings of make for this build
    settings: tuple[str, ...] = ()

    def make(self, what: str, *targets: str) -> None:
        with locked(self.objects):
            run_long(what, ["make", "--no-print-directory", "-C", SOURCE, *self.settings, *targets])

    def build(self) -> Path:
        self.make("building the verifier")
        return self.binary

    def build_tests(self) -> None:
        """The command, the unit tests and the programs that write measurement lists."""
        self.make(f"building the verifier and its tests ({self.name})", "tests")

    def program(self, name: str) -> Path:
        return self.objects / "tests" / name

    @property
    def code(self) -> Path:
        """What the machine runs that it is built for."""
        return self.binary

    def call(self, *args: str | Path, **popen) -> Answer:
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run([self.binary, *args], stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                              check=False, **popen)
        return Answer(done.returncode, done.stdout or "", done.stderr)

    def verify(self, measurements: Path | str, pcrs: Path | str | None = None, *options: str | Path, **popen) -> Answer:
        """What the verifier says of a list; its exit statuses are in imatally(1)."""
        given: list[str | Path] = ["--pcrs", pcrs] if pcrs else []
        return self.call("verify", *options, measurements, *given, **popen)

    def show(self, measurements: Path) -> str:
        return self.call("show", measurements).text


@dataclass(frozen=True)
class Emulated(Verifier):
    """
    The plain build for another architecture.

    In place of its programs there are scripts that run them in QEMU, so that a test need not know.
    """

    @property
    def code(self) -> Path:
        return self.binary.parents[1] / "imatally"

    def program(self, name: str) -> Path:
        return self.binary.parent / name

    def make(self, what: str, *targets: str) -> None:
        facts = architectures.get(self.name)
        root, out = debian.root(facts), self.code.parent
        found = f"PKG_CONFIG_SYSROOT_DIR={root} PKG_CONFIG_LIBDIR={root}/usr/lib/{facts.multiarch}/pkgconfig"
        replace(PLAIN, objects=self.objects, settings=(
            f"O={out}", f"CC={' '.join(debian.compiler(facts))}", f"AR={facts.cross}ar",
            f"PKG_CONFIG=env {found} pkg-config")).make(f"{what} ({self.name})", *targets)
        self.binary.parent.mkdir(exist_ok=True)
        for program in (self.code, out / "mklog", *self.objects.glob("tests/*")):
            if program.exists() and not program.suffix:
                script = self.binary.parent / program.name
                script.write_text(f'#!/bin/sh\nexec {facts.emulator} -L {root} {program} "$@"\n', encoding="utf-8")
                script.chmod(0o755)


def _separate(name: str, objects: Path, *settings: str) -> Verifier:
    return Verifier(name, objects, objects / "imatally", objects / "mklog", settings)


def _emulated(name: str) -> Emulated:
    out = BUILD / f"imatally-{name}"
    return Emulated(name, out / "imatally.o", out / "run" / "imatally", out / "run" / "mklog")


PLAIN = Verifier("plain", BUILD / "imatally.o", BUILD / "imatally", BUILD / "mklog")
# With the compiler's checks of addresses and undefined behaviour
SANITIZED = _separate("sanitized", BUILD / "imatally.sanitize", "SANITIZE=1")
# Counts which lines run
COVERAGE = _separate("coverage", BUILD / "imatally.coverage", "COVERAGE=1")
# With libFuzzer and the checks, for the programs that have it
FUZZERS = _separate("fuzzers", BUILD / "imatally.fuzz", "SANITIZE=fuzz")
# Of other architectures, by their names
EMULATED = {name: _emulated(name) for name in architectures.emulated()}
# Those in which tests run
BUILDS = {build.name: build for build in (PLAIN, SANITIZED, COVERAGE)} | EMULATED


def of_arch(arch: str) -> Verifier:
    """The plain build for this architecture."""
    return EMULATED.get(arch, PLAIN)


BINARY = PLAIN.binary
build = PLAIN.build
call = PLAIN.call
verify = PLAIN.verify
show = PLAIN.show
