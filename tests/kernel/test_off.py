# SPDX-License-Identifier: GPL-2.0-only
"""
Without TCG_TPM2_UPDATE_COUNTER, the TPM driver is that of the base with the fixes: its objects have the same bytes.

The fixes are the topics before the one that adds the symbol. Not compared are the numbers of lines, which a patch above
them moves, also in the names of initcalls, and those that the compiler adds to the names of variables of a function.
"""

import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.groups import Group, once
from lab.kernel import Build, make, not_taken
from lab.paths import BUILD
from patchset import patches
from patchset.git import git
from patchset.tree import base_ref

pytestmark = pytest.mark.timeout(0)

OFF = [Group("off_is_off")]

SHT_NOBITS = 8

SYMBOL = "TCG_TPM2_UPDATE_COUNTER"

VARIANTS: dict[str, list[str]] = {"plain": [], "hmac": ["TCG_TPM2_HMAC=y"]}

LINE_NUMBERS = "__bug_table"
"""The section in which WARN() keeps the numbers of lines."""


@dataclass(frozen=True)
class Objects:
    """The sections of the driver's objects before and after the topic, by "FILE SECTION"."""

    before: dict[str, bytes]
    after: dict[str, bytes]


def commits_before_the_topic(base: str) -> int:
    """How many commits of the series come before the one that adds the symbol."""
    for count, patch in enumerate(patches.patches(base)):
        if f"+config {SYMBOL}\n" in patches.read(patch):
            return sum(1 for other in patches.patches(base)[:count] if patches.topic_of(other) < patches.topic_of(patch))
    raise AssertionError(f"no patch adds {SYMBOL}")


def sections(data: bytes) -> dict[str, bytes]:
    """Return what is in each section of a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size
    headers = [struct.unpack_from("<IIQQQQ", data, table + size * i) for i in range(count)]
    contents = [b"" if kind == SHT_NOBITS else data[offset:offset + length] for _, kind, _, _, offset, length in headers]
    text = contents[names]
    found = {text[header[0]:text.index(0, header[0])].decode(): content
             for header, content in zip(headers, contents, strict=True)}
    found[".strtab"] = re.sub(rb"(__initcall__\w+?__\d+)_\d+_", rb"\1_", found[".strtab"])
    found[".strtab"] = re.sub(rb"\.\d+\0", b"\0", found[".strtab"])
    return found


def sections_of(driver: Path) -> dict[str, bytes]:
    return {f"{file.relative_to(driver)} {name}": content for file in sorted(driver.rglob("*.o"))
            for name, content in sections(file.read_bytes()).items() if name != LINE_NUMBERS}


def build_both(group: Group, kernel: Build, variant: str) -> Objects:
    """Build the driver twice in one folder, so that nothing but the source differs."""
    out = BUILD / group.base / "off"
    source, obj = out / "linux", out / variant
    if not (source / "Makefile").exists():
        git(kernel.tree, "worktree", "prune")
        git(kernel.tree, "worktree", "add", "--quiet", "--force", "--detach", source, base_ref(group.base))
    series = git(kernel.tree, "rev-list", "--reverse", f"{base_ref(group.base)}..HEAD").split()
    edits = git(kernel.tree, "diff", "HEAD", "--", "drivers/char/tpm", "include", "*/Kconfig")

    built = []
    for name, commit in (("before", series[commits_before_the_topic(group.base) - 1]), ("after", series[-1])):
        git(source, "checkout", "--quiet", "--force", "--detach", commit)
        if name == "after" and edits:
            git(source, "apply", "-", data=f"{edits}\n".encode())
        obj.mkdir(parents=True, exist_ok=True)
        config = obj / ".config"
        config.write_bytes((kernel.obj / ".config").read_bytes())
        wanted = ["IMA_UPDATE_COUNTER=n", "KUNIT=n", *VARIANTS[variant]]
        for symbol in wanted:
            subprocess.run([source / "scripts" / "config", "--file", config, "--set-val", *symbol.split("=")], check=True)
        make(source, obj, "-s", "olddefconfig")
        taken = config.read_text(encoding="utf-8")
        assert not_taken("".join(f"CONFIG_{symbol}\n" for symbol in wanted), taken) == []
        assert f"CONFIG_{SYMBOL}=y" not in taken
        driver = obj / "drivers" / "char" / "tpm"
        shutil.rmtree(driver, ignore_errors=True)
        make(source, obj, "-s", "prepare")
        make(source, obj, "-s", "drivers/char/tpm/")
        built.append(sections_of(driver))
    git(source, "checkout", "--quiet", "--force", "--detach", series[-1])
    return Objects(built[0], built[1])


@pytest.fixture
def objects(group: Group, kernel: Build, line: str) -> Objects:
    return once(f"{group.id}-{line}", lambda: build_both(group, kernel, line))


@pytest.mark.groups(OFF, lambda _group: VARIANTS)
def test_driver_has_the_same_objects(objects: Objects) -> None:
    assert len(objects.before["tpm2-cmd.o .text"]) > 1000
    assert sorted(objects.after) == sorted(objects.before)
    assert [name for name, content in objects.before.items() if objects.after[name] != content] == []
