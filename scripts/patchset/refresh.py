# SPDX-License-Identifier: GPL-2.0-only
"""
Brings the commits of a tree back into this repository.

Edits of existing files become patches, new files go to their path here. A commit keeps its topic, by its subject, or,
where that has changed, by its place. A new commit goes into the topic of the commit before it. To have it in another
one, move its patch to the folder of that topic: only the order of all patches matters, numbers are given anew.
"""

import os
import shutil
import tempfile
from pathlib import Path

from patchset import patches, tree
from patchset.console import Failed, say
from patchset.git import Commit, bytes_of, commit_tree, git, resolve, run
from patchset.lock import locked
from patchset.paths import PATCHES, TOP

# Whatever the user's configuration makes of patches
FORMAT = ["-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "format.signOff=false",
          "format-patch", "--quiet", "--always", "--zero-commit", "--no-signature", "--no-numbered", "--no-stat",
          "--full-index", "--diff-algorithm=patience"]


def changed_files(where: Path, commit: Commit, kind: str) -> list[str]:
    """The files that a commit adds (A) or deletes (D)."""
    listed = git(where, "diff-tree", "--no-commit-id", "--name-only", "-z", f"--diff-filter={kind}", "-r", "--no-renames",
                 commit.id)
    return [name for name in listed.split("\0") if name]


def topics_of(base: str, series: list[Commit]) -> list[str]:
    """The topic of each commit."""
    known: dict[str, str] = {}
    # What the base itself says comes last, and counts
    for other in sorted(patches.BASES, key=lambda name: name == base):
        known |= {patches.subject(patch): patches.topic_of(patch) for patch in patches.patches(other)}
    before = [patches.subject(patch) for patch in patches.patches(base)]
    names = [commit.subject for commit in series]
    continues = patches.pair(before, names)

    order = patches.topics()
    if not order:
        raise Failed("patches/ has no topic: make a folder such as patches/1-ima")
    found: list[str] = []
    for name in names:
        topic = known.get(name) or known.get(continues.get(name, "")) or (found[-1] if found else order[0])
        if found and order.index(topic) < order.index(found[-1]):
            raise Failed(f"\"{name}\" is in the topic {topic}, and comes after a commit of {found[-1]}. Move the commit, "
                         f"or its patch to another folder in patches/, and run this again")
        found.append(topic)
    return found


def slim(where: Path, commit: Commit, added: list[str], work: Path) -> str:
    """The same commit without its new files, and with their names."""
    if not added:
        return commit.id
    index = {"GIT_INDEX_FILE": str(work / "index")}
    git(where, "read-tree", commit.tree, env=index)
    git(where, "update-index", "--force-remove", "--", *added, env=index)
    trailers = [word for file in added for word in ("--trailer", f"New-file: {file}")]
    message = git(where, "interpret-trailers", "--if-exists", "add", *trailers, data=bytes_of(commit.message))
    return commit_tree(where, git(where, "write-tree", env=index), message + "\n", commit.parent, env=commit.identity())


def blob(where: Path, commit: str, file: str) -> bytes | None:
    done = run(where, "cat-file", "blob", f"{commit}:{file}")
    return done.stdout if done.returncode == 0 else None


def check_new_files(base: str, added: list[str], head: str) -> None:
    """Don't overwrite a new file that somebody has changed here since the tree was made."""
    where = tree.folder(base)
    for file in added:
        path, made = TOP / file, blob(where, tree.applied_ref(base), file)
        if path.exists() and made is not None and path.read_bytes() not in (made, blob(where, head, file)):
            raise Failed(f"{file} has changed here since {where} was made of it, and differs from the one there. Bring "
                         f"them together first: git diff --no-index {path} {where / file}")


def write_new_file(where: Path, head: str, file: str) -> None:
    data, path = blob(where, head, file), TOP / file
    assert data is not None, f"{file} is not in {head}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)
    executable = git(where, "ls-tree", head, "--", file).startswith("100755")
    if executable != os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | 0o111 if executable else path.stat().st_mode & ~0o111)


def write_patches(base: str, written: Path) -> None:
    """Make the patches of a base those in the folder @written."""
    wanted = {path.relative_to(written): path for path in written.glob("*/*/*.patch")}
    for patch in patches.patches(base):
        if patch.relative_to(PATCHES) not in wanted:
            patch.unlink()
    for name, path in wanted.items():
        target = PATCHES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != path.read_bytes():
            shutil.copyfile(path, target)


def refresh(base: str) -> None:
    """Raises Failed, with nothing changed, if the tree can't be brought back as it is."""
    tree.refuse_ksrc()
    with locked(tree.folder(base)):
        tree.check_ready(base)
        write_back(base)


def write_back(base: str) -> None:
    """refresh(), for those who hold the lock."""
    where, series = tree.folder(base), tree.series(base)
    head = resolve(where, tree.series_ref(base))
    if not series:
        raise Failed(f"{where} has no commits that could be patches")
    names = [commit.subject for commit in series]
    for name in names:
        if names.count(name) > 1:
            raise Failed(f"two commits in {where} have the subject \"{name}\"")

    added = {commit.id: changed_files(where, commit, "A") for commit in series}
    adds = {file: commit for commit in series for file in added[commit.id]}
    for commit in series:
        for file in changed_files(where, commit, "D"):
            if file in adds:
                raise Failed(f"{file} is new in {adds[file].id[:12]} and deleted in {commit.id[:12]}")
    check_new_files(base, list(adds), head)
    before = patches.new_files(*patches.patches(base))

    with tempfile.TemporaryDirectory() as work:
        written, numbers = Path(work) / "patches", dict.fromkeys(patches.topics(), 0)
        for commit, topic in zip(series, topics_of(base, series)):
            numbers[topic] += 1
            git(where, *FORMAT, "--start-number", numbers[topic], "--output-directory", written / topic / base, "-1",
                slim(where, commit, added[commit.id], Path(work)))
        write_patches(base, written)

    for file in adds:
        write_new_file(where, head, file)
    named = {file for other in patches.BASES for file in patches.new_files(*patches.patches(other))}
    for file in set(before) - named:
        (TOP / file).unlink(missing_ok=True)

    tree.mark_as_applied(base, tree.wanted_state(base))
    say(f"{len(series)} patches of {base} in patches/, {len(adds)} new files")
