# SPDX-License-Identifier: GPL-2.0-only
"""
The root file system of the guest.

It has busybox, kexec and tpm2-tools with the libraries that they need, and from tests/guest the init and the commands
vm-*. The programs are this machine's own, or those of Debian for another architecture. Needs no root.
"""

import gzip
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lab import arch as architectures
from lab import debian
from lab.arch import Arch
from lab.built import digest, is_current
from lab.paths import BUILD, GUEST
from lab.process import CannotRun
from patchset.lock import locked

SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
FOLDERS = ("boot", "control", "dev", "out", "proc", "ramfs", "root", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "bin", "usr/sbin": "bin"}


def missing(what: str) -> CannotRun:
    return CannotRun(f"{what} is not installed; scripts/deps demo installs what is missing")


def program(name: str, facts: Arch) -> Path:
    search = ":".join(str(debian.root(facts) / folder) for folder in ("usr/bin", "usr/sbin")) if facts.cross else SEARCH
    found = shutil.which(name, path=search)
    if not found:
        raise missing(name)
    return Path(found)


def output_of(*argv: str | Path) -> str:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=os.environ | {"PATH": SEARCH}).stdout


def library(pattern: str, facts: Arch) -> Path:
    """The shared library of this name, where the dynamic linker of the architecture looks for it."""
    root = debian.root(facts) if facts.cross else Path("/")
    for folder in ("usr/local/lib", f"usr/lib/{facts.multiarch}", f"lib/{facts.multiarch}", "usr/lib", "lib"):
        found = sorted((root / folder).glob(pattern))
        if found:
            return found[0]
    raise missing(pattern)


def tcti(facts: Arch) -> Path:
    """What lets tpm2-tools talk to the kernel's TPM; they open it at run time."""
    return library("libtss2-tcti-device.so.?", facts)


def libraries(files: Iterable[Path], facts: Arch) -> dict[str, Path]:
    """
    The shared libraries that these need, by their path in the guest. A static program needs none.

    The dynamic linker is at the path that programs name; the others are where it looks by itself, so that it needs no
    cache.
    """
    linkers: dict[str, Path] = {}
    found: dict[str, Path] = {}
    todo = list(files)
    while todo:
        said = output_of("readelf", "--wide", "--dynamic", "--program-headers", todo.pop())
        for path in re.findall(r"program interpreter: /(\S+)\]", said):
            linkers[path] = library(Path(path).name, facts)
        for name in re.findall(r"\(NEEDED\).*\[(\S+)\]", said):
            if name not in found:
                found[name] = library(name, facts)
                todo.append(found[name])
    return linkers | {f"usr/lib/{name}": file for name, file in found.items() if file not in linkers.values()}


def initramfs(arch: str = architectures.DEFAULT_ARCH) -> Path:
    """Build build/initramfs.cpio.gz, unless it is up to date."""
    facts = architectures.get(arch)
    out = BUILD / ("initramfs.cpio.gz" if arch == architectures.DEFAULT_ARCH else f"initramfs-{facts.name}.cpio.gz")
    programs = [program(name, facts) for name in ("busybox", "kexec", "tpm2")]
    libs = libraries([*programs, tcti(facts)], facts) | {f"usr/lib/{tcti(facts).name}": tcti(facts)}
    commands = sorted(GUEST.glob("vm-*"))
    inputs = [Path(__file__), GUEST / "init", *commands, *programs, *libs.values()]
    with locked(out):
        state = digest(*(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in inputs))
        if not is_current(out, Path(f"{out}.state"), state):
            with tempfile.TemporaryDirectory() as root:
                fill(Path(root), programs, libs, commands)
                pack(Path(root), out)
            Path(f"{out}.state").write_text(state, encoding="ascii")
    return out


def install(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)


def add_programs(programs: list[Path], out: Path, facts: Arch) -> None:
    """Give a guest programs in its folder @out, and in out/lib the libraries for them, of which it may lack some."""
    (out / "lib").mkdir()
    for program in programs:
        shutil.copy(program, out)
    for file in libraries(programs, facts).values():
        shutil.copy(file, out / "lib")


def fill(root: Path, programs: list[Path], libs: dict[str, Path], commands: list[Path]) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    for link, target in LINKS.items():
        (root / link).symlink_to(target)

    install(GUEST / "init", root / "init")
    for file in (*programs, *commands):
        install(file, root / "usr/bin" / file.name)
    *_, tpm2 = programs
    # Those of this machine's busybox, which can be asked: Debian's is the same everywhere
    for applet in output_of("busybox", "--list").split():
        if not (root / "usr/bin" / applet).exists():
            (root / "usr/bin" / applet).symlink_to("busybox")
    for tool in tpm2.parent.glob("tpm2_*"):
        (root / "usr/bin" / tool.name).symlink_to("tpm2")
    for path, lib in libs.items():
        install(lib, root / path)
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)


def pack(root: Path, out: Path) -> None:
    """The same content gives the same bytes."""
    names = ["."]
    for folder, folders, files in os.walk(root):
        names += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    for name in names:
        os.utime(root / name, (0, 0), follow_symlinks=False)
    archive = subprocess.run(["cpio", "--null", "--create", "--quiet", "--format=newc", "--reproducible", "--owner=+0:+0"],
                             cwd=root, check=True, input="\0".join(sorted(names)).encode() + b"\0",
                             stdout=subprocess.PIPE).stdout
    new = Path(f"{out}.new")
    new.write_bytes(gzip.compress(archive, mtime=0))
    new.replace(out)
