# SPDX-License-Identifier: GPL-2.0-only
"""Git, and the commits of a series."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from patchset.console import Failed


# What a hook of git's or git rebase --exec has in its environment is about another repository
OTHER_REPOSITORY = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


def environment(**more: str) -> dict[str, str]:
    """The environment for git, with @more in it."""
    return {name: value for name, value in os.environ.items() if name not in OTHER_REPOSITORY} | more


def run(where: Path, *args, data: bytes = b"", env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Run git in @where with @data on its stdin and @env added to the environment, whatever its status is."""
    return subprocess.run(["git", "-C", str(where), *map(str, args)], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(**(env or {})))


def text_of(data: bytes) -> str:
    """What git printed. Bytes that are not UTF-8 survive a round trip."""
    return data.decode(errors="surrogateescape")


def bytes_of(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def git(where: Path, *args, data: bytes = b"", env: dict[str, str] | None = None) -> str:
    """What git prints, without the newline at its end. Raises Failed if git fails."""
    done = run(where, *args, data=data, env=env)
    if done.returncode:
        raise Failed(f"git {args[0]} in {where} failed with status {done.returncode}:\n"
                     f"{text_of(done.stderr + done.stdout).strip()}")
    return text_of(done.stdout).removesuffix("\n")


def resolve(where: Path, name: str) -> str:
    """The commit that a name stands for, or "" if there is none."""
    return text_of(run(where, "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}").stdout).strip()


@dataclass(frozen=True)
class Commit:
    id: str
    parent: str
    tree: str
    # The files at the parent
    parent_tree: str
    author: str
    email: str
    date: str
    message: str

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    def identity(self) -> dict[str, str]:
        """The environment in which git commits as the author, so that the same series gives the same commits."""
        return identity(self.author, self.email, self.date)


def identity(name: str, email: str, date: str) -> dict[str, str]:
    return {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email), ("DATE", date))}


def commits(where: Path, *args: str) -> list[Commit]:
    """The commits that git rev-list gives for @args, in its order."""
    listed = git(where, "log", "--no-show-signature", "--encoding=UTF-8", "-z",
                 "--format=%H%n%P%n%T%n%an%n%ae%n%ad%n%B", "--date=raw", *args)
    records = [record.split("\n", 6) for record in listed.split("\0") if record]
    trees = {commit: tree for commit, _, tree, *_ in records}
    found = []
    for commit, parent, tree, author, email, date, message in records:
        if " " in parent:
            raise Failed(f"{commit[:12]} in {where} is a merge; a series of patches can't have one")
        parent_tree = trees.get(parent) or (git(where, "rev-parse", f"{parent}^{{tree}}") if parent else "")
        found.append(Commit(commit, parent, tree, parent_tree, author, email, date, message.rstrip("\n") + "\n"))
    return found


def commit_tree(where: Path, tree: str, message: str, *parents: str, env: dict[str, str]) -> str:
    """Make a commit of a tree that git knows, and return it."""
    return git(where, "commit-tree", tree, *(word for parent in parents for word in ("-p", parent)),
               data=bytes_of(message), env=env)


def is_half_done(where: Path) -> bool:
    """Is git in the middle of a rebase, or of applying a patch or a commit?"""
    folder = git_dir(where)
    return any((folder / name).exists() for name in ("rebase-apply", "rebase-merge", "CHERRY_PICK_HEAD"))


def has_edits(where: Path) -> bool:
    """Are there edits of tracked files, also those of something half done?"""
    return is_half_done(where) or bool(git(where, "status", "--porcelain", "--untracked-files=no"))


def git_dir(where: Path) -> Path:
    return Path(git(where, "rev-parse", "--absolute-git-dir"))
