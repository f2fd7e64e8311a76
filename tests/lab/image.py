# SPDX-License-Identifier: GPL-2.0-only
"""
The root file system of the guest.

It has busybox, kexec and tpm2-tools of this machine with the libraries that they need, and from tests/guest the init
and the commands vm-*. Needs no root.
"""

import gzip
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import arch as architectures
from lab.built import digest, is_current
from lab.paths import BUILD, GUEST
from lab.process import CannotRun
from patchset.lock import locked

SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
FOLDERS = ("boot", "control", "dev", "out", "proc", "ramfs", "root", "sys", "tmp", "usr/bin", "usr/lib", "usr/lib64")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "bin", "usr/sbin": "bin"}


def missing(what: str) -> CannotRun:
    return CannotRun(f"{what} is not installed; scripts/deps demo installs what is missing")


def program(name: str) -> Path:
    found = shutil.which(name, path=SEARCH)
    if not found:
        raise missing(name)
    return Path(found)


def output_of(*argv: str | Path) -> str:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          env=os.environ | {"PATH": SEARCH}).stdout


def tcti() -> Path:
    """What lets tpm2-tools talk to the kernel's TPM; they open it at run time."""
    found = re.search(r"^\s*libtss2-tcti-device\.so\.\d+ .*=> (\S+)$", output_of("ldconfig", "-p"), re.M)
    if not found:
        raise missing("libtss2-tcti-device")
    return Path(found[1])


def libraries(files: list[Path]) -> list[Path]:
    """The shared libraries that these need, with the dynamic linker. A static program needs none."""
    return sorted({Path(path) for path in
                   re.findall(r"(?:=>|^)\s+(/\S+) \(0x", output_of("ldd", *files), re.M)})


def initramfs(arch: str = "x86_64") -> Path:
    """Build build/initramfs.cpio.gz, unless it is up to date."""
    facts = architectures.get(arch)
    out = BUILD / ("initramfs.cpio.gz" if arch == "x86_64" else f"initramfs-{facts.name}.cpio.gz")
    programs = [program(name) for name in ("busybox", "kexec", "tpm2")]
    libs = [tcti(), *libraries([*programs, tcti()])]
    commands = sorted(GUEST.glob("vm-*"))
    inputs = [Path(__file__), GUEST / "init", *commands, *programs, *libs]
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


def fill(root: Path, programs: list[Path], libs: list[Path], commands: list[Path]) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    for link, target in LINKS.items():
        (root / link).symlink_to(target)

    install(GUEST / "init", root / "init")
    for file in (*programs, *commands):
        install(file, root / "usr/bin" / file.name)
    busybox, _, tpm2 = programs
    for applet in output_of(busybox, "--list").split():
        if not (root / "usr/bin" / applet).exists():
            (root / "usr/bin" / applet).symlink_to("busybox")
    for tool in tpm2.parent.glob("tpm2_*"):
        (root / "usr/bin" / tool.name).symlink_to("tpm2")
    # The linker at the path that programs name; the others where it looks by itself, so that it needs no cache
    for lib in libs:
        install(lib, root / str(lib).lstrip("/") if lib.name.startswith("ld-linux") else root / "usr/lib" / lib.name)
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
