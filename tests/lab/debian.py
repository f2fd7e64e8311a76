# SPDX-License-Identifier: GPL-2.0-only
"""
Programs, libraries and headers of another architecture, as Debian packages them.

They come from the Debian suites that this machine's apt knows, through a private apt configuration: nothing gets
installed, and this machine need not know the architecture. They stay in the cache outside of the checkout.
"""

import functools
import shutil
import tempfile
from pathlib import Path

from lab.arch import Arch
from lab.built import digest, is_current
from lab.paths import CACHE
from patchset import apt
from patchset.console import Failed, run_long, say
from patchset.lock import locked

# What goes into the guest, and what programs for it are built with
PACKAGES = ("busybox-static", "kexec-tools", "libtss2-tcti-device0", "tpm2-tools",
            "libc6-dev", "libcmocka-dev", "libjansson-dev", "libssl-dev", "libtss2-dev")

# As on any merged system; a package may still have a file in the folder at the left
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "sbin": "usr/sbin"}


@functools.cache
def root(facts: Arch) -> Path:
    """A folder with the packages of an architecture, downloaded and unpacked unless it is there. Raises Failed."""
    store = CACHE / "debian" / facts.debian
    store.mkdir(parents=True, exist_ok=True)
    sources = apt.suites(facts.debian)
    state = digest(*PACKAGES, *sources, Path(__file__).read_bytes())
    with locked(store / "root"):
        if not is_current(store / "root", store / "state", state):
            shutil.rmtree(store / "root", ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=store) as folder:
                unpack(download(facts, sources, Path(folder) / "apt"), Path(folder) / "root")
                (Path(folder) / "root").rename(store / "root")
            (store / "state").write_text(state, encoding="ascii")
    return store / "root"


def compiler(facts: Arch) -> list[str]:
    """The compiler of programs for an architecture, with what they are built against."""
    return [f"{facts.cross}gcc", *([f"--sysroot={root(facts)}"] if facts.cross else [])]


def download(facts: Arch, sources: list[str], store: Path) -> list[Path]:
    """The packages, with all that they depend on."""
    # No package is installed there
    status = store / "status"
    options = [*apt.private(store, sources), "-o", f"APT::Architecture={facts.debian}",
               "-o", f"APT::Architectures={facts.debian}", "-o", f"Dir::State::status={status}",
               "-o", "APT::Install-Recommends=false", "-o", "Debug::NoLocking=true"]
    status.touch()
    say(f"what is built and run for {facts.name} takes 120 MB, once")
    try:
        run_long(f"updating the package list of {facts.debian}", ["apt-get", *options, "update"])
    except Failed:
        # A mirror may lag behind with a suite of an architecture that few people use. The download shows whether the
        # other suites do.
        say(f"a package list of {facts.debian} can't be read, and is left out")
    run_long(f"downloading packages of {facts.debian}", ["apt-get", *options, "--yes", "--download-only", "install", *PACKAGES])
    return sorted((store / "archives").glob("*.deb"))


def unpack(packages: list[Path], to: Path) -> None:
    for link, target in LINKS.items():
        (to / target).mkdir(parents=True)
        (to / link).symlink_to(target)
    run_long(f"unpacking {len(packages)} packages", [
        "sh", "-ec", 'for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner --keep-directory-symlink; done', "sh",
        *packages], cwd=to)
