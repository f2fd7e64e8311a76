# SPDX-License-Identifier: GPL-2.0-only
"""Debian's packages through a private apt configuration, which begins with what this machine's own one says."""

import subprocess
from pathlib import Path

from patchset.console import Failed

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def output(*argv: str) -> str:
    """What a command prints; nothing if it fails."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          encoding="utf-8", errors="replace").stdout


def targets(form: str, *filters: str) -> list[str]:
    """What apt-get indextargets prints about Debian's own suites, in lines of this form. Raises Failed."""
    found = output("apt-get", "indextargets", "--format", form, "Origin: Debian", *filters).splitlines()
    if not found:
        raise Failed("found no Debian mirror in this machine's apt configuration")
    return found


def suites(architecture: str) -> list[str]:
    """Lines for private(): the suites of Debian that this machine knows, for another architecture."""
    found = targets("$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    return sorted({f"deb [arch={architecture} signed-by={KEYRING}] {line}" for line in found})


def suite(name: str) -> str:
    """A line for private(): another suite of the same mirror."""
    return f"deb [signed-by={KEYRING}] {targets('$(REPO_URI)', 'Label: Debian')[0]} {name} main"


def private(store: Path, sources: list[str]) -> list[str]:
    """The options with which apt knows these sources alone, and keeps all that it writes below @store."""
    for folder in ("lists", "archives"):
        (store / folder / "partial").mkdir(parents=True, exist_ok=True)
    file = store / "sources.list"
    file.write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
    return ["-o", f"Dir::Etc::sourcelist={file}", "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", f"Dir::State::lists={store}/lists", "-o", f"Dir::Cache={store}", "-o", "APT::Sandbox::User=root"]
