# SPDX-License-Identifier: GPL-2.0-only
"""Runs commands on a fresh Debian machine: a minimal system in a folder, with this checkout in it.

A test that only runs where its packages happen to be installed proves nothing about a user's first try. The system is
what debootstrap makes of the suite's essential packages, with git and make added. Nothing of this machine's environment
is visible in it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.paths import BUILD, TOP
from patchset.console import run_long, say

SUITES = ("bookworm", "trixie")
# What the README asks for before its commands
GIVEN = ("ca-certificates", "git", "make")


class CannotRun(Exception):
    """The system can't be made or run here; the text says why and what to do."""


def mirrors() -> tuple[str, str]:
    """The addresses of Debian's archive and of its security archive that this machine's apt uses."""
    listing = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Origin: Debian"],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {label: uri for uri, _, label in (line.partition(" ") for line in listing.splitlines())}
    try:
        return found["Debian"], found["Debian-Security"]
    except KeyError as missing:
        raise CannotRun(f"apt has no lists of {missing}; run apt-get update, or add that archive to its sources") from None


def inside(root: Path, *command: str, binds: tuple[tuple[Path, str], ...] = ()) -> list[str]:
    """A command line that runs COMMAND as root of the system in ROOT, with an empty environment.

    Its mounts and processes are in namespaces of their own, so that all of them end with it. BINDS are folders of this
    machine and where they appear below ROOT.
    """
    mounts = [f'mount --rbind /dev "{root}/dev"', f'mount -t proc proc "{root}/proc"', f'mount -t sysfs sys "{root}/sys"',
              *(f'mkdir -p "{root}{where}" && mount --bind "{folder}" "{root}{where}"' for folder, where in binds)]
    environment = ["env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
            "sh", "-ec", "; ".join([*mounts, f'exec chroot "{root}" "$@"']), "sh", *environment, *command]


def minimal(suite: str) -> Path:
    """The minimal system of a suite, below build/fresh; made when it is not there."""
    folder = BUILD / "fresh" / suite / "minimal"
    if folder.exists():
        return folder
    if os.geteuid() != 0:
        raise CannotRun("a fresh system is made by debootstrap, which needs root")
    if not shutil.which("debootstrap"):
        raise CannotRun("debootstrap is not installed; scripts/deps check-full installs it")
    archive, security = mirrors()
    new = folder.with_name("minimal.new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    run_long(f"making a minimal {suite}",
             ["debootstrap", "--variant=minbase", f"--include={','.join(GIVEN)}", suite, str(new), archive])
    (new / "etc/apt/sources.list").write_text(
        f"deb {archive} {suite} main\ndeb {archive} {suite}-updates main\ndeb {security} {suite}-security main\n",
        encoding="ascii")
    # Services of packages that are installed later have nobody to start them
    policy = new / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    new.rename(folder)
    return folder


@contextmanager
def machine(suite: str) -> Iterator[Path]:
    """A copy of the minimal system of a suite, with a clone of this checkout's HEAD in /root/checkout."""
    template = minimal(suite)
    root = template.with_name("machine")
    shutil.rmtree(root, ignore_errors=True)
    run_long(f"copying the minimal {suite}", ["cp", "-a", "--reflink=auto", str(template), str(root)])
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(TOP), str(root / "root/checkout")], check=True)
    say(f"a fresh {suite} is in {root}")
    yield root
    shutil.rmtree(root)


def run(suite: str, root: Path, command: str, log: Path) -> int:
    """Run a shell command in the checkout of a machine, its output in LOG. Returns its exit status.

    The home folder's cache, which holds the compiler's results and the kernels' sources, is kept from run to run.
    """
    cache = BUILD / "fresh" / suite / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    argv = inside(root, "sh", "-c", f"cd /root/checkout && {command}", binds=((cache, "/root/.cache"),))
    with open(log, "wb") as output:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
