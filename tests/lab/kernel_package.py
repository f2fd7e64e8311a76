# SPDX-License-Identifier: GPL-2.0-only
"""A Debian package of the kernel with the series that boots lab.distro's machine."""

from pathlib import Path

from lab import arch as architectures
from lab import kernel
from lab.paths import TOP
from patchset.console import run_long


def configuration(base: str) -> Path:
    """The tests' small kernel with what a Debian needs: Debian's own configuration takes hours."""
    tree = kernel.tree(base)
    obj = tree.parent / "distro-config"
    obj.mkdir(parents=True, exist_ok=True)
    files = kernel.fragments(base, "vm,distro", architectures.DEFAULT_ARCH, vanilla=True)
    wanted = obj / "fragments.config"
    wanted.write_text("".join(file.read_text(encoding="utf-8") for file in files), encoding="utf-8")
    run_long(f"configuring a Debian's kernel ({base})", kernel.make_argv(tree, obj, "allnoconfig"),
             env=kernel.environment() | {"KCONFIG_ALLCONFIG": str(wanted)})
    return obj / ".config"


def build(base: str) -> Path:
    """The package, built by the command that users have for it."""
    config = configuration(base)
    run_long(f"building a Debian's kernel ({base})", [TOP / "scripts/kernel-deb", "--base", base, "--config", config])
    package, = (package for package in config.parents[1].glob("linux-image-*.deb") if "-dbg_" not in package.name)
    return package
