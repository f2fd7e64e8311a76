# SPDX-License-Identifier: GPL-2.0-only
"""
The git trees of the kernel with the series on top, one for each base.

build/BASE/linux is a worktree of build/linux.git, so that what the bases have in common is stored once, and commits can
be carried from one to the other. The tag BASE/base is the source as it came, the branch BASE/series has the series on
top of it, and the tag BASE/applied is what the patches led to, or what they were last written from.

With KSRC=DIR in the environment, the tree is build/ksrc/linux instead: a clone of that kernel tree, which is left as it
is, with tags and a branch of the name "ksrc". What is in the clone is borrowed from KSRC, so it is a repository apart.

Commits and edits in a tree are never thrown away: a tree that has any is not made anew.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from patchset import patches, source
from patchset.console import Failed, run_long, say
from patchset.git import (Commit, bytes_of, commit_tree, commits, environment, git, has_edits, identity, is_half_done,
                          resolve, run, text_of)
from patchset.lock import locked
from patchset.paths import BUILD, TOP

REPOSITORY = BUILD / "linux.git"

# Whoever imports a source, and when: the same source gives the same commit everywhere
IMPORTER = identity("source", "source@localhost", "@0 +0000")

# Files go into one pack as they are: a kernel is too much for loose objects.
IMPORT_OPTIONS = ["-c", "core.bigFileThreshold=1", "-c", "core.compression=1", "-c", "gc.auto=0"]


# ---- Names

def name(base: str) -> str:
    """What stands for the base in folders and refs."""
    return "ksrc" if os.environ.get("KSRC") else base


def folder(base: str) -> Path:
    return BUILD / name(base) / "linux"


def base_ref(base: str) -> str:
    """The source without the series."""
    return f"{name(base)}/base"


def applied_ref(base: str) -> str:
    """The commit that is known to be what the patches lead to."""
    return f"{name(base)}/applied"


def series_ref(base: str) -> str:
    """The source with the series."""
    return f"{name(base)}/series"


def shared_ref(base: str, other: str) -> str:
    """
    The commits of @base as @other has them: the parents of this commit.

    scripts/port carries over what has changed since.
    """
    return f"refs/patchset/{base}-in-{other}"


def patch_base(base: str) -> str:
    """The base whose patches go onto the tree: with KSRC, the one that is nearest to it."""
    return nearest_base(kernel_version(ksrc())) if os.environ.get("KSRC") else base


def nearest_base(version: str) -> str:
    """The newest base that is not newer than @version, else the oldest there is."""
    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", text)[:2]]
    older = [base for base in patches.BASES if numbers(base) <= numbers(version)]
    return older[-1] if older else patches.BASES[0]


def kernel_version(where: Path) -> str:
    """The version of a kernel source, such as 6.12.117."""
    makefile = (where / "Makefile").read_text(encoding="utf-8", errors="replace")
    value = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) *= *(.*?) *$", makefile, re.M))
    return "{VERSION}.{PATCHLEVEL}.{SUBLEVEL}{EXTRAVERSION}".format_map({"SUBLEVEL": "0", "EXTRAVERSION": ""} | value)


def ksrc() -> Path:
    where = Path(os.environ["KSRC"]).resolve()
    if not (where / "Kbuild").is_file() or not (where / "Makefile").is_file():
        raise Failed(f"KSRC={where} is not a kernel source tree")
    return where


# ---- What is known about a tree

def note(base: str, what: str) -> Path:
    """The file below the repository that keeps @what about a tree, also when the folder of the tree is removed."""
    repository = folder(base) / ".git" if os.environ.get("KSRC") else REPOSITORY
    path = repository / "patchset" / name(base) / what
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def has_work(base: str) -> bool:
    """Are there commits or edits that the patches don't have?"""
    where = folder(base)
    known = resolve(where, applied_ref(base)) or resolve(where, base_ref(base))
    return bool(has_edits(where) or {resolve(where, "HEAD"), resolve(where, series_ref(base)) or known} != {known})


def refuse_ksrc() -> None:
    """Only the tree of a base has patches of its own."""
    if os.environ.get("KSRC"):
        raise Failed("with KSRC the tree is that of no base: unset KSRC")


def check_ready(base: str) -> None:
    """Can the commits of the tree be brought back, or carried over?"""
    where = folder(base)
    if not (where / ".git").exists():
        raise Failed(f"there is no {where}; scripts/tree --base {base} makes it")
    repair_worktree(where)
    if is_half_done(where):
        raise Failed(f"{where} is in the middle of a rebase or of git am: finish that, or give it up")
    if has_edits(where):
        raise Failed(f"{where} has edits that are not committed")
    if note(base, "stopped").exists():
        raise Failed(f"{where} has not all patches yet, see scripts/tree --base {base}")
    if resolve(where, "HEAD") != resolve(where, series_ref(base)):
        raise Failed(f"{where} is not on the branch {series_ref(base)}")


def series(base: str) -> list[Commit]:
    """The commits of the series in the tree of a base, the first one first."""
    return commits(folder(base), "--reverse", f"{base_ref(base)}..{series_ref(base)}")


def wanted_state(base: str) -> list[str]:
    """What the tree should be made of."""
    return patches.state(patch_base(base), resolve(folder(base), base_ref(base)))


def known_state(base: str) -> list[str]:
    """What the tree was made of, or last brought back as."""
    path = note(base, "state")
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def mark_as_applied(base: str, state: list[str]) -> None:
    """The tree is what the patches lead to."""
    git(folder(base), "tag", "--force", applied_ref(base), series_ref(base))
    note(base, "state").write_text("\n".join(state), encoding="ascii")


def is_applied(base: str) -> bool:
    """Are the tree and the patches the same?"""
    return known_state(base) == wanted_state(base) and not has_work(base)


def share(base: str, other: str, shared: list[str]) -> None:
    """Remember commits of @base as those that @other has."""
    where = folder(base)
    empty = git(where, "mktree")
    git(where, "update-ref", shared_ref(base, other),
        commit_tree(where, empty, f"Commits of {base} as {other} has them\n", *shared, env=IMPORTER))


# ---- The source

def new_base(base: str, commit: str) -> None:
    """A commit is the base now, and nothing is applied to it yet."""
    where = folder(base)
    run(where, "tag", "--delete", applied_ref(base))
    for what in ("state", "stopped", "port"):
        note(base, what).unlink(missing_ok=True)
    git(where, "checkout", "--quiet", "--force", "-B", series_ref(base), commit)
    git(where, "tag", "--force", base_ref(base), commit)


def commit_files(where: Path, title: str, *parents: str) -> str:
    """Make everything in a work tree a commit."""
    run_long(f"committing {title}", ["git", *IMPORT_OPTIONS, "add", "--all", "--force", "."], cwd=where,
             env=environment())
    commit = commit_tree(where, git(where, "write-tree"), title + "\n", *parents, env=IMPORTER)
    git(where, "update-ref", "--no-deref", "HEAD", commit)
    return commit


def import_package(base: str) -> None:
    """
    Debian's source as the commit BASE/base.

    When the package has moved on, the new source becomes a child of the old one, so that the blobs which a three-way
    application of the patches wants are still there.
    """
    package, where = source.source(base), folder(base)
    title = f"linux-source-{base} {package.version}"
    if (where / ".git").is_dir():
        raise Failed(f"{where} is a repository by itself, as an older scripts/tree made it. Save what you want to keep "
                     "of it, and remove that folder")
    if not (REPOSITORY / "HEAD").exists():
        run(BUILD, "init", "--quiet", "--bare", "--initial-branch=none", REPOSITORY)
        git(REPOSITORY, "config", "gc.auto", "0")
        git(REPOSITORY, "config", "core.logAllRefUpdates", "true")
    repair_worktree(where)

    old = resolve(REPOSITORY, base_ref(base))
    if old and git(REPOSITORY, "log", "-1", "--format=%s", old) == title:
        if not (where / ".git").exists():
            restore(base)
        return
    if old and (where / ".git").exists() and has_work(base):
        raise Failed(f"the source has moved on to {package.version}, and {where} has work of yours. Bring it back with "
                     f"scripts/refresh --base {base}, then remove that folder")
    add_source(base, title, package.tarball, old)


def add_source(base: str, title: str, tarball: Path, old: str) -> None:
    """Unpack and commit a source beside the tree, and have it take the tree's place."""
    where = folder(base)
    fresh = where.with_name("linux.new")
    remove_worktree(fresh)
    parent = old or commit_tree(REPOSITORY, git(REPOSITORY, "mktree"), "No source yet\n", env=IMPORTER)
    git(REPOSITORY, "worktree", "add", "--no-checkout", "--detach", fresh, parent)
    run_long(f"unpacking {title}", ["tar", "-x", "--strip-components=1", "-C", fresh, "-f", tarball])
    commit = commit_files(fresh, title, *filter(None, [old]))
    remove_worktree(where)
    git(REPOSITORY, "worktree", "move", fresh, where)
    new_base(base, commit)


def remove_worktree(where: Path) -> None:
    if where.exists():
        run(REPOSITORY, "worktree", "remove", "--force", where)
        shutil.rmtree(where, ignore_errors=True)
    git(REPOSITORY, "worktree", "prune")


def restore(base: str) -> None:
    """The folder of the tree is gone, its commits are not."""
    where = folder(base)
    shutil.rmtree(where, ignore_errors=True)
    git(REPOSITORY, "worktree", "prune")
    run_long(f"checking out {series_ref(base)}",
             ["git", "-C", REPOSITORY, "worktree", "add", where, series_ref(base)], env=environment())


def repair_worktree(where: Path) -> None:
    """
    Have a worktree and its repository know each other after both have been moved or copied.

    A copy would otherwise go on to work in the repository that it was copied from, and git worktree repair would take
    the original for the copy.
    """
    link = where / ".git"
    if not link.is_file():
        return
    mine = REPOSITORY / "worktrees" / Path(link.read_text(encoding="utf-8").strip()).name
    if not mine.is_dir():
        raise Failed(f"{where} is not a worktree of {REPOSITORY}. Save what you want to keep of it, and remove that "
                     "folder")
    for file, path in ((link, f"gitdir: {mine}\n"), (mine / "gitdir", f"{link}\n")):
        if file.read_text(encoding="utf-8") != path:
            file.write_text(path, encoding="utf-8")


def import_ksrc(base: str) -> None:
    """HEAD of the user's tree as the tag ksrc/base. A tree that is not under git is copied, once."""
    original, where = ksrc(), folder(base)
    there = (where / ".git").exists()
    head = resolve(original, "HEAD") if (original / ".git").exists() else ""
    if not head:
        if not there:
            run_long(f"copying {original}", ["cp", "-a", "--reflink=auto", original, where])
            git(where, "init", "--quiet", "--initial-branch=none")
            new_base(base, commit_files(where, f"linux {kernel_version(where)}"))
        return
    if there and resolve(where, base_ref(base)) == head:
        return
    if there and has_work(base):
        raise Failed(f"HEAD of {original} has moved, and {where} has work of yours: save it and remove that folder")
    if not there:
        run_long(f"cloning {original}", ["git", "clone", "--quiet", "--shared", "--no-checkout", "--no-tags", original,
                                         where], env=environment())
    git(where, "fetch", "--quiet", "--no-tags", "origin", head)
    run_long(f"checking out {head[:12]}", ["git", "-C", where, "checkout", "--quiet", "--force", "--detach", head],
             env=environment())
    new_base(base, head)


# ---- The series

def first_version(base: str, file: str, adds: Path, shared: bool) -> tuple[str, bytes]:
    """
    The mode and contents of a new file as the patch @adds has it: as it is here, less what later patches change in it.

    @shared: if it is no longer what these made of it, take it from the base whose patches it agrees with now, as it was
    when it still agreed with these.
    """
    mode, data = patches.read_new_file(file)
    with tempfile.TemporaryDirectory() as place:
        alone = {"GIT_CEILING_DIRECTORIES": str(Path(place).parent)}
        path = Path(place) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for patch in reversed(patches.patches(base)):
            if f"\n--- a/{file}\n" not in patches.read(patch):
                continue
            done = run(Path(place), "apply", "--reverse", f"--include={file}", patch, env=alone)
            if done.returncode == 0:
                continue
            old = as_shared(base, file, patches.subject(adds)) if shared else None
            if old is None:
                raise Failed(f"{text_of(done.stderr)}{patch.relative_to(TOP)} changes {file}, which is no longer what "
                             "it became there. Change both, or undo that and change the commit in a tree: "
                             "scripts/refresh writes both")
            return mode, old
        return mode, path.read_bytes()


def as_shared(base: str, file: str, subject: str) -> bytes | None:
    """A new file in the commit @subject of another base, as @base has that commit."""
    for other in patches.BASES:
        for commit in shared_commits(other, base):
            if commit.subject == subject:
                done = run(folder(base), "cat-file", "blob", f"{commit.id}:{file}")
                if done.returncode == 0:
                    return done.stdout
    return None


def shared_commits(base: str, other: str) -> list[Commit]:
    """What share() has remembered."""
    where = folder(base)
    found = resolve(where, shared_ref(base, other))
    return commits(where, "--no-walk=unsorted", f"{found}^@") if found else []


def whole_mail(base: str, patch: Path, shared: bool) -> str:
    """A patch with the new files that it names, as git am takes it."""
    mail, diff = patches.parts(patches.read(patch))
    for file in patches.new_files(patch):
        mode, data = first_version(base, file, patch, shared)
        *lines, rest = text_of(data).split("\n")
        diff += f"diff --git a/{file} b/{file}\nnew file mode {mode}\n"
        if data:
            diff += f"--- /dev/null\n+++ b/{file}\n@@ -0,0 +1,{len(lines) + bool(rest)} @@\n"
            diff += "".join(f"+{line}\n" for line in lines)
        if rest:
            diff += f"+{rest}\n\\ No newline at end of file\n"
    return patches.NEW_FILE.sub("", mail).rstrip("\n") + "\n\n" + diff


def apply_mail(where: Path, mail: str, parent: str, work: Path) -> tuple[str, bool]:
    """
    The commit that a patch makes of @parent, or "" if it does not fit, and whether it took less context than it has.

    The work tree is left alone, so that in the end only the files change that have to.
    """
    index = {"GIT_INDEX_FILE": str(work / "index")}
    info = git(where, "mailinfo", "-b", work / "message", work / "diff", data=bytes_of(mail))
    about = dict(re.findall(r"^(\w+): (.*)$", info, re.M))
    loose = False
    if (work / "diff").stat().st_size:
        git(where, "read-tree", parent, env=index)
        if run(where, "apply", "--cached", "--3way", work / "diff", env=index).returncode:
            git(where, "read-tree", parent, env=index)
            loose = True
            if run(where, "apply", "--cached", "-C1", work / "diff", env=index).returncode:
                return "", False
        files = git(where, "write-tree", env=index)
    else:
        files = git(where, "rev-parse", f"{parent}^{{tree}}")
    message = text_of((work / "message").read_bytes()).strip("\n")
    return commit_tree(where, files, f"{about['Subject']}\n\n{message}\n", parent,
                       env=identity(about["Author"], about["Email"], about["Date"])), loose


def apply_series(base: str, shared: bool) -> bool:
    """
    Put all patches onto the base; or, if that stopped at one of them and its commit was made by hand, those after it.

    Returns whether the tree is what the patches lead to, which it is not after a commit by hand.
    """
    where, files, stopped = folder(base), patches.patches(patch_base(base)), note(base, "stopped")
    if not files:
        raise Failed(f"there are no patches for {base}")
    by_hand = ""
    tip = resolve(where, base_ref(base))
    todo = files
    if stopped.exists():
        at, _, by_hand = stopped.read_text(encoding="utf-8").strip().partition(" ")
        if not has_edits(where) and resolve(where, "HEAD") == at:
            by_hand = ""
        else:
            done = [str(file.relative_to(TOP)) for file in files]
            if has_edits(where) or by_hand not in done or resolve(where, "HEAD^") != at:
                raise Failed(f"{where} needs one commit more than it had, that of {by_hand}, and no edits")
            say(f"going on after {by_hand}")
            todo = files[done.index(by_hand) + 1:]
            tip = resolve(where, "HEAD")
    if not by_hand:
        say(f"applying {len(files)} patches to {kernel_version(where)}")
    # A patch that names a new file which is not here is found before anything is done
    mails = [whole_mail(patch_base(base), patch, shared) for patch in todo]
    with tempfile.TemporaryDirectory() as work:
        for patch, mail in zip(todo, mails):
            commit, loose = apply_mail(where, mail, tip, Path(work))
            if not commit:
                stop(base, patch, mail, tip)
            if loose:
                say(f"note: {patch.relative_to(TOP)} was applied with less context than it has; look at it")
            tip = commit
    git(where, "checkout", "--quiet", "-B", series_ref(base), tip)
    stopped.unlink(missing_ok=True)
    return not by_hand


def stop(base: str, patch: Path, mail: str, tip: str) -> None:
    """Leave the tree at @tip, and say how to go on from there."""
    where, name_here = folder(base), patch.relative_to(TOP)
    git(where, "checkout", "--quiet", "-B", series_ref(base), tip)
    whole = note(base, "stopped.patch")
    whole.write_bytes(bytes_of(mail))
    note(base, "stopped").write_text(f"{tip} {name_here}\n", encoding="utf-8")
    raise Failed(f"{name_here} does not fit {kernel_version(where)}. {where} has the patches before it.\n"
                 f"To go on there: git am --3way {whole}\nresolve, git am --continue; then run this again for the "
                 "patches after it")


def make_tree(base: str, shared: bool = False) -> Path:
    """
    tree(), for those who hold the lock.

    @shared: for scripts/port. It is enough that the tree has the patches, even if new files have changed since.
    """
    where = folder(base)
    if os.environ.get("KSRC"):
        import_ksrc(base)
    else:
        if base not in patches.BASES:
            raise Failed(f"there is no base {base}; known: {' '.join(patches.BASES)}")
        import_package(base)
    state, known = wanted_state(base), known_state(base)
    if known == state or shared and known[:1] == state[:1]:
        return where
    if not note(base, "stopped").exists() and has_work(base):
        raise Failed(f"the patches of {base} have changed, and {where} has work that they don't have. Bring it back "
                     f"with scripts/refresh --base {base}, or drop it: git -C {where} reset --hard {applied_ref(base)}")
    if apply_series(base, shared):
        # A later caller may want the new files as they are now
        mark_as_applied(base, state[:1] if shared else state)
        remember(base, [commit.id for commit in series(base)])
    else:
        say(f"all patches are there; scripts/refresh --base {base} brings them back as they are now")
    return where


def remember(base: str, ids: list[str]) -> None:
    """Other bases have the commits of this one, as the patches have them."""
    if not os.environ.get("KSRC"):
        for other in patches.BASES:
            if other != base:
                share(base, other, ids)


def tree(base: str) -> Path:
    """The git tree of a base with the series, made or brought up to date if need be. Raises Failed."""
    with locked(folder(base)):
        return make_tree(base)
