# SPDX-License-Identifier: GPL-2.0-only
"""The verifier, as a program, in the builds that tests run."""

import json
import re
import subprocess
from dataclasses import dataclass
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


def _separate(name: str, objects: Path, *settings: str) -> Verifier:
    return Verifier(name, objects, objects / "imatally", objects / "mklog", settings)


PLAIN = Verifier("plain", BUILD / "imatally.o", BUILD / "imatally", BUILD / "mklog")
# With the compiler's checks of addresses and undefined behaviour
SANITIZED = _separate("sanitized", BUILD / "imatally.sanitize", "SANITIZE=1")
# Counts which lines run
COVERAGE = _separate("coverage", BUILD / "imatally.coverage", "COVERAGE=1")
# With libFuzzer and the checks, for the programs that have it
FUZZERS = _separate("fuzzers", BUILD / "imatally.fuzz", "SANITIZE=fuzz")
# Those in which tests run
BUILDS = {build.name: build for build in (PLAIN, SANITIZED, COVERAGE)}



def of_arch(arch: str) -> Verifier:
    """That for machines of this architecture."""
    facts = architectures.get(arch)
    if not facts.cross:
        return PLAIN
    root, out = debian.root(facts), BUILD / f"imatally-{arch}"
    found = f"PKG_CONFIG_SYSROOT_DIR={root} PKG_CONFIG_LIBDIR={root}/usr/lib/{facts.multiarch}/pkgconfig"
    return Verifier(arch, out / "imatally.o", out / "imatally", out / "mklog", (
        f"O={out}", f"CC={' '.join(debian.compiler(facts))}", f"AR={facts.cross}ar", f"PKG_CONFIG=env {found} pkg-config"))


BINARY = PLAIN.binary
build = PLAIN.build
call = PLAIN.call
verify = PLAIN.verify
show = PLAIN.show
