# SPDX-License-Identifier: GPL-2.0-only
"""
The source of a kernel base, as Debian packages it.

It is fetched with this machine's own apt configuration, and nothing gets installed. A base that is not in this
machine's release comes from another suite of the same mirror, through a private apt configuration.
"""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from patchset import apt
from patchset.console import Failed, run_long
from patchset.paths import CACHE

# The kernel bases, oldest first: the suite that has the package linux-source-BASE, or "" for those that this
# machine's apt knows
SUITES = {"6.12": "", "7.3": "trixie-backports"}

DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Source:
    version: str
    tarball: Path


def apt_options(store: Path, suite: str) -> list[str]:
    """The options with which apt knows @suite of this machine's mirror. Its package list may be a day old."""
    if not suite:
        return []
    options = apt.private(store / "apt", [apt.suite(suite)])
    updated = store / "apt" / "sources.list.updated"
    if not updated.exists() or time.time() - updated.stat().st_mtime > DAY:
        run_long(f"updating the package list of {suite}", ["apt-get", *options, "update"])
        updated.touch()
    return options


def source(base: str) -> Source:
    """The newest source package of a base, downloaded unless it is in the cache."""
    if base not in SUITES:
        raise Failed(f"there is no base {base}; known: {' '.join(SUITES)}")
    package, suite, store = f"linux-source-{base}", SUITES[base], CACHE / "source" / base
    store.mkdir(parents=True, exist_ok=True)
    options = apt_options(store, suite)

    shown = apt.output("apt-cache", *options, "show", "--no-all-versions", package).splitlines()
    version = next((line.removeprefix("Version: ") for line in shown if line.startswith("Version: ")), "")
    if not version:
        found = apt.output("apt-cache", *options, "search", "--names-only", "^linux-source-[0-9]").splitlines()
        there = " ".join(line.split()[0] for line in found) or "nothing of that kind; run apt-get update"
        where = suite or "the suites that apt knows here (on Debian 12 it is in the security suite)"
        raise Failed(f"there is no package {package} in {where}. There is: {there}")

    tarball = store / f"{package}-{version}.tar.xz"
    if not tarball.exists():
        with tempfile.TemporaryDirectory(dir=store) as folder:
            run_long(f"downloading {package} {version}",
                     ["apt-get", *options, "-o", "APT::Sandbox::User=root", "download", package], cwd=folder)
            inside = f"usr/src/{package}.tar.xz"
            run_long(f"extracting {package} {version}",
                     ["sh", "-ec", 'dpkg-deb --fsys-tarfile ./*.deb | tar -x "./$1"', "-", inside], cwd=folder)
            for old in store.glob("*.tar.xz"):
                old.unlink()
            os.rename(Path(folder) / inside, tarball)
    return Source(version, tarball)
