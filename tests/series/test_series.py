# SPDX-License-Identifier: GPL-2.0-only
"""The series as it would be mailed, and what the kernel's own tools report about it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.groups import Group
from lab.kernel import Build, builds_without_warnings, changed_lines, make
from lab.paths import BUILD, TOP
from patchset import mail
from patchset.git import git
from patchset.tree import base_ref, series_ref
from patchset.tree import tree as tree_of

# Compilers and Sphinx take long on a busy machine
pytestmark = pytest.mark.timeout(3600)

MAILED = [Group("mailed")]
COMPILED = [Group("compiled")]
COMPILED_BY_CLANG = [Group("compiled_by_clang", "full")]
SEMANTIC = [Group("semantic", "full")]
DOCUMENTS = [Group("documents")]


def run(*command: str | Path, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    """Run a command, with both its outputs in one. Debian's Python comes first: it has what the kernel's tools import."""
    environment = os.environ | {"PATH": "/usr/bin:" + os.environ["PATH"]} | options.pop("env", {})
    return subprocess.run(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **options)


@pytest.fixture
def tree(group: Group) -> Path:
    return tree_of(group.base)


def changed_files(group: Group, tree: Path, *patterns: str) -> list[str]:
    """Return the files that the series changes and that match."""
    return git(tree, "diff", "--name-only", base_ref(group.base), series_ref(group.base), "--", *patterns).split()


@pytest.mark.groups(MAILED)
def test_git_am_onto_a_clean_base_gives_the_tree(group: Group, tree: Path, tmp_path: Path) -> None:
    """The checkout of the base has only the files that the series touches."""
    mbox = mail.mail(group.base).with_suffix(".mbox")
    clean = tmp_path / "linux"
    git(tree, "worktree", "prune")
    git(tree, "worktree", "add", "--quiet", "--no-checkout", "--detach", clean, base_ref(group.base))
    try:
        git(clean, "sparse-checkout", "set", "--no-cone", *changed_files(group, tree))
        git(clean, "checkout", "--quiet")
        applied = run("git", "-c", "user.name=check", "-c", "user.email=check@localhost", "am", "--quiet",
                      mbox, cwd=clean)
        assert applied.returncode == 0, applied.stdout
        assert git(clean, "diff", series_ref(group.base)) == ""
    finally:
        git(tree, "worktree", "remove", "--force", clean)


@pytest.mark.groups(MAILED)
def test_checkpatch_reports_nothing(group: Group, tree: Path) -> None:
    """
    The commits that a patch fixes are unknown to the tree, so checkpatch is not asked about them. Neither does it know
    whether an entry of MAINTAINERS covers the directory of a new file.
    """
    said = run("scripts/checkpatch.pl", "--strict", "--ignore", "UNKNOWN_COMMIT_ID,FILE_PATH_CHANGES", "--git",
               f"{base_ref(group.base)}..{series_ref(group.base)}", cwd=tree).stdout
    assert re.search(r"^total: 0 errors", said, re.M), said
    assert not re.search(r"^(ERROR|WARNING|CHECK):|Traceback", said, re.M), said


def configured_like(build: Build, name: str) -> Path:
    """
    Return a build directory with the same configuration as build.

    It is a separate one because W=1 would make the next build of the kernel compile the files of the series again.
    """
    obj = BUILD / build.base / name
    obj.mkdir(parents=True, exist_ok=True)
    config = (build.obj / ".config").read_bytes()
    if not (obj / ".config").exists() or (obj / ".config").read_bytes() != config:
        (obj / ".config").write_bytes(config)
    return obj


@pytest.mark.groups(COMPILED)
def test_gcc_and_sparse_have_no_warning(group: Group, kernel: Build) -> None:
    assert builds_without_warnings(kernel.tree, configured_like(kernel, "static"), base_ref(group.base),
                                   series_ref(group.base), "C=1") == []


@pytest.mark.groups(COMPILED_BY_CLANG)
def test_clang_has_no_warning(group: Group, kernel: Build) -> None:
    obj = configured_like(kernel, "clang")
    clang = ("LLVM=-19", "CC=ccache clang-19", "HOSTCC=ccache clang-19")
    make(kernel.tree, obj, "-s", *clang, "olddefconfig")
    assert builds_without_warnings(kernel.tree, obj, base_ref(group.base), series_ref(group.base), *clang) == []


@pytest.mark.groups(SEMANTIC)
def test_coccicheck_reports_nothing(group: Group, tree: Path) -> None:
    """
    Only reports about lines of the series count.

    coccicheck is run on each file by itself, because make would compile the file as well, and a file with KUnit tests
    is included by another one.
    """
    said = ""
    for file in changed_files(group, tree, "*.c", ":!tools"):
        done = run("scripts/coccicheck", file, cwd=tree, env={
            "C": "2", "V": "1", "MODE": "report", "srctree": ".", "LINUXINCLUDE": "-Iarch/x86/include -Iinclude"})
        assert done.returncode == 0, done.stdout
        said += done.stdout
    assert re.search(r"^Running .*spatch", said, re.M), f"coccicheck ran nothing:\n{said}"
    changed = changed_lines(tree, base_ref(group.base), series_ref(group.base))
    found = re.findall(r"^((?:\./)?([\w./-]+\.[ch]):(\d+):.*)$", said, re.M)
    assert [line for line, name, number in found if (name, int(number)) in changed] == []


@pytest.mark.groups(DOCUMENTS)
def test_sphinx_has_no_warning(group: Group, tree: Path) -> None:
    """Only warnings about documents that the series touches count."""
    built = run(TOP / "scripts" / "docs", "--base", group.base, cwd=TOP)
    assert built.returncode == 0, built.stdout
    said = (BUILD / group.base / "docs" / "sphinx.log").read_text(encoding="utf-8", errors="replace")
    touched = changed_files(group, tree, "Documentation")
    assert touched
    assert [line for line in said.splitlines() if any(file in line for file in touched)] == []


@pytest.mark.groups(DOCUMENTS)
def test_kernel_doc_has_no_warning(group: Group, tree: Path) -> None:
    """kernel-doc reads the files that the series adds."""
    files = git(tree, "diff", "--name-only", "--diff-filter=A", base_ref(group.base), series_ref(group.base), "--",
                "drivers/*.[ch]", "include/*.h", "security/*.[ch]").split()
    assert files
    said = run("scripts/kernel-doc", "-none", "-Werror", *files, cwd=tree)
    assert said.returncode == 0, said.stdout
