# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's selftests of IMA, built for the guest."""

from pathlib import Path

from lab import kernel
from lab.built import locked
from lab.paths import BUILD
from patchset.console import run_long


def build(base: str) -> Path:
    """Build them from the tree of @base and return their folder. They are the same for all bases."""
    out = BUILD / "selftests"
    with locked(out):
        out.mkdir(exist_ok=True)
        run_long("building the selftests", ["make", "-C", kernel.tree(base) / "tools/testing/selftests/ima",
                                            f"OUTPUT={out}", "USERLDFLAGS=-static", "USERCFLAGS=-Werror"])
    return out
