# SPDX-License-Identifier: GPL-2.0-only
"""
Carries commits from the tree of one base to that of another.

A commit of FROM that TO lacks is cherry-picked. For one that both have, by its subject, and that has changed in FROM
since it was the same in both, only what has changed is carried over: what TO's commit does in its own way, it goes on
to do. Both happens in one interactive rebase of TO's series, so that git stops where something does not fit, and can
give up with everything as it was.

What is meant to differ is in the table patches/differences: patches of one base only are not carried over.
"""

import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from patchset import patches, tree
from patchset.console import Failed, say
from patchset.git import Commit, commit_tree, git, git_dir, resolve, run, text_of
from patchset.lock import locked
from patchset.patches import Change, Difference
from patchset.refresh import write_back

# The user's configuration of a rebase must not change what the list of commits says
REBASE = ["-c", "rebase.autoSquash=false", "-c", "rebase.updateRefs=false", "-c", "rebase.missingCommitsCheck=ignore",
          "-c", "rebase.instructionFormat=%s", "-c", "commit.gpgSign=false", "-c", "advice.mergeConflict=false"]


@dataclass
class Plan:
    """What the rebase of the series of @target has to do, to have what @source has."""
    source: str
    target: str
    # The list of commits that git rebase takes
    todo: list[str] = field(default_factory=list)
    # Commits of @source: those that @target has afterwards
    shared: list[str] = field(default_factory=list)
    # The subjects that are carried over
    ported: list[str] = field(default_factory=list)


def change_of(where: Path, commit: Commit) -> Change:
    diff = git(where, "diff-tree", "-p", "--no-renames", "--diff-algorithm=patience", commit.parent_tree, commit.tree)
    return Change(commit.subject, commit.message.partition("\n\n")[2].strip(), patches.changed_lines(diff))


def amendment(where: Path, old: Commit, new: Commit) -> str:
    """
    A commit that makes the old form of a commit its new form, or "" if they do the same.

    Its parent is the old form in the place of the new one. Where it does not fit there, it is the old form where it
    was: the difference then has what has changed in earlier commits, too, which changes nothing where that is ported.
    """
    if old.id == new.id:
        return ""
    place = old.tree
    if old.parent_tree != new.parent_tree:
        ours = commit_tree(where, new.parent_tree, "", old.parent, env=new.identity())
        done = run(where, "merge-tree", "--write-tree", ours, old.id)
        if done.returncode == 0:
            place = text_of(done.stdout).split("\n")[0]
    if place == new.tree and old.message == new.message:
        return ""
    parent = commit_tree(where, place, old.message, env=new.identity())
    return commit_tree(where, new.tree, new.message, parent, env=new.identity())


def selected(where: Path, base: str, revisions: list[str]) -> set[str]:
    """The commits that the user names, as ids: all, if he names none."""
    series = [commit.id for commit in tree.series(base)]
    if not revisions:
        return set(series)
    walk = [] if any(".." in name for name in revisions) else ["--no-walk"]
    named = set(git(where, "rev-list", *walk, *revisions, "--").split())
    if not named or not named <= set(series):
        raise Failed(f"{' '.join(revisions)}: not all of that is in {tree.series_ref(base)}")
    return named


def by_subject(series: list[Commit]) -> dict[str, Commit]:
    return {commit.subject: commit for commit in series}


def carry_over(found: Plan, new: Commit, old: Commit | None, their: Commit | None, their_old: Commit | None) -> list[str]:
    """
    The steps that give @target what the commit @new is, or nothing if it keeps what it has.

    @old, @their_old: what @new and @their were when they were the same, as far as that is known.
    """
    where, known = tree.folder(found.source), patches.known_differences().keys()
    if not their:
        return [] if Difference(new.subject, f"{found.source} only") in known else [f"pick {new.id}"]
    if old and (change := amendment(where, old, new)):
        return [f"pick {their.id}", f"fixup -C {change}"]
    if not patches.compare(change_of(where, new), change_of(where, their)) - known:
        return []
    if their_old and amendment(where, their_old, their):
        say(f"note: {found.target} has changed \"{their.subject}\", and {found.source} has not. To carry that over: "
            f"make port FROM={found.target} TO={found.source}")
        return []
    return [f"pick {new.id}"]


def plan(source: str, target: str, revisions: list[str], leave: bool) -> Plan:
    """What to do for the @revisions, or all; with @leave, nothing but to note them as carried over."""
    chosen = selected(tree.folder(source), source, revisions)
    series, theirs = tree.series(source), by_subject(tree.series(target))
    olds, their_olds = by_subject(tree.shared_commits(source, target)), by_subject(tree.shared_commits(target, source))
    continues = patches.pair(list(olds), [commit.subject for commit in series])

    found = Plan(source, target)
    # The commits of the new series, by the subject that they have in TO now
    steps: dict[str, list[str]] = {}
    for new in series:
        old = olds.get(continues.get(new.subject, ""))
        their = theirs.get(new.subject) or (theirs.get(old.subject) if old else None)
        change = [] if leave or new.id not in chosen else \
            carry_over(found, new, old, their, their_olds.get(their.subject) if their else None)
        if change:
            found.ported.append(new.subject)
        if change or their:
            steps[their.subject if their else new.subject] = change or [f"pick {their.id}"]
        if new.id in chosen:
            found.shared.append(new.id)
        elif old:
            found.shared.append(old.id)

    dropped = olds.keys() - set(continues.values())
    if revisions or leave:
        found.shared += [olds[name].id for name in dropped if not leave]
        dropped = set()
    add_others(found, steps, theirs, dropped)
    found.todo = [line for step in steps.values() for line in step]
    return found


def add_others(found: Plan, steps: dict[str, list[str]], theirs: dict[str, Commit], dropped: set[str]) -> None:
    """Have the commits that only TO has stay behind those that they follow, but for what FROM has dropped."""
    order, after = list(steps), ""
    for name, their in theirs.items():
        if name not in steps:
            if name in dropped and Difference(name, f"{found.target} only") not in patches.known_differences():
                say(f"{found.source} has dropped \"{name}\"")
                continue
            order.insert(order.index(after) + 1 if after else 0, name)
            steps[name] = [f"pick {their.id}"]
        after = name
    in_order = [(name, steps[name]) for name in order]
    steps.clear()
    steps.update(in_order)


# ---- The rebase

def start(source: str, target: str, found: Plan) -> None:
    """Note what is under way, and begin."""
    where = tree.folder(target)
    for name in found.ported:
        say(f"carrying over \"{name}\"")
    tree.note(target, "port-todo").write_text("\n".join(found.todo) + "\n", encoding="ascii")
    tree.note(target, "port").write_text(f"{source} {resolve(where, 'HEAD')}\n", encoding="ascii")
    rebase(source, target, "--interactive", "--empty=keep", "--no-verify", tree.base_ref(target))


def merge_options(source: str, target: str) -> list[str]:
    """Have git merge files with the driver beside this file."""
    attributes = tree.note(target, "attributes")
    attributes.write_text("* merge=port\n", encoding="ascii")
    driver = shlex.join([sys.executable, str(Path(__file__).with_name("merge.py"))])
    return ["-c", f"core.attributesFile={attributes}", "-c", f"merge.port.driver={driver} %O %A %B %L {target} {source}"]


def rebase(source: str, target: str, *args: str) -> None:
    """Run git rebase, and if it stops say how to go on."""
    where = tree.folder(target)
    author = tree.series(target)[-1].identity()
    todo = shlex.quote(str(tree.note(target, "port-todo")))
    done = run(where, *REBASE, *merge_options(source, target), "rebase", *args, env={
        "GIT_SEQUENCE_EDITOR": f"cp {todo}", "GIT_EDITOR": "true",
        "GIT_COMMITTER_NAME": author["GIT_COMMITTER_NAME"], "GIT_COMMITTER_EMAIL": author["GIT_COMMITTER_EMAIL"]})
    if done.returncode == 0:
        return
    stopped = git_dir(where) / "rebase-merge" / "stopped-sha"
    if not stopped.exists() or not unmerged(where):
        raise Failed(f"git rebase failed in {where}:\n{text_of(done.stdout + done.stderr).strip()}")
    subject = git(where, "log", "-1", "--format=%s", stopped.read_text(encoding="ascii").strip())
    raise Failed(f"\"{subject}\" does not fit {target}, in {unmerged(where)}.\nResolve that in {where}, git add what "
                 "you have resolved, and run the same again: it goes on with the next.\n"
                 f"To give up, with {target} as it was: git -C {where} rebase --abort")


def unmerged(where: Path) -> str:
    """The files with conflicts."""
    return ", ".join(git(where, "diff", "--name-only", "--diff-filter=U").split("\n"))


def go_on(source: str, target: str) -> None:
    """Continue the rebase where it has stopped, unless the user has done so."""
    where = tree.folder(target)
    if not (git_dir(where) / "rebase-merge").exists():
        return
    if unmerged(where):
        raise Failed(f"still not resolved in {where}: {unmerged(where)}. Resolve and git add that, or give up: "
                     f"git -C {where} rebase --abort")
    if git(where, "diff", "--name-only"):
        raise Failed(f"{where} has edits that are not added: git add them, or undo them")
    rebase(source, target, "--continue")


# ---- The end

def remember(source: str, target: str) -> None:
    """What has been carried over is the same in both now."""
    where = tree.folder(target)
    ahead = tree.shared_ref(source, f"{target}-next")
    before = {commit.subject: commit.id for commit in tree.shared_commits(source, target)}
    ids = {commit.subject: commit.id for commit in tree.shared_commits(source, f"{target}-next")}
    git(where, "update-ref", tree.shared_ref(source, target), ahead)
    git(where, "update-ref", "-d", ahead)

    # The other way round: what is new in TO has come from FROM
    theirs = {commit.subject: commit.id for commit in tree.shared_commits(target, source)}
    now = {commit.subject: commit.id for commit in tree.series(target)}
    new = {name for name in ids if ids[name] != before.get(name)}
    tree.share(target, source, [now[name] if name in new or name not in theirs else theirs[name] for name in now])


def check_new_files(source: str, target: str) -> None:
    """New files are shared by the bases, so they must be the same in both trees."""
    where = tree.folder(target)
    ends = [tree.series_ref(source), tree.series_ref(target)]
    listed = git(where, "diff", "--no-renames", "--name-only", "--diff-filter=A", tree.base_ref(target), ends[1])
    for file in listed.split():
        blobs = [text_of(run(where, "rev-parse", "--quiet", "--verify", f"{end}:{file}").stdout) for end in ends]
        if all(blobs) and blobs[0] != blobs[1]:
            raise Failed(f"{file} is shared by the bases, and differs between the trees of {source} and {target}. See "
                         f"git -C {where} diff {' '.join(ends)} -- {file}\n"
                         "Carry over all commits that change it, or commit what makes it the same, and run this again")


def changes(target: str, before: str) -> str:
    """The range-diff of the series of TO, without the patches that are what they were."""
    base, where = tree.base_ref(target), tree.folder(target)
    if before == resolve(where, tree.series_ref(target)):
        return "nothing to carry over"
    found = git(where, "range-diff", f"{base}..{before}", f"{base}..{tree.series_ref(target)}")
    return "\n".join(line for line in found.split("\n") if not re.match(r" *\d+: +\w+ = +\d+: ", line))


def port(source: str, target: str, revisions: list[str], leave: bool = False) -> str:
    """
    Carry commits from the tree of @source to that of @target, and bring both back. All, or the @revisions. With @leave,
    these are for @source alone: note that, so that later calls don't carry them over.

    Returns the range-diff of the series of @target. Raises Failed where a commit does not fit; called again after that
    is resolved, it goes on.
    """
    tree.refuse_ksrc()
    for base in (source, target):
        if base not in patches.BASES:
            raise Failed(f"there is no base {base}; known: {' '.join(patches.BASES)}")
    if source == target:
        raise Failed("FROM and TO are the same base")
    where, mark = tree.folder(target), tree.note(target, "port")
    first, second = sorted((source, target))
    with locked(tree.folder(first)), locked(tree.folder(second)):
        before = ""
        if mark.exists():
            began, before = mark.read_text(encoding="ascii").split()
            if began != source:
                raise Failed(f"{target} is in the middle of make port FROM={began}. Finish that, or give up: "
                             f"git -C {where} rebase --abort")
            go_on(source, target)
            if resolve(where, "HEAD") == before:
                say("the last one was given up; beginning anew")
                before = ""
        if not before:
            for base in (source, target):
                tree.make_tree(base, shared=True)
                tree.check_ready(base)
            before = resolve(where, "HEAD")
            found = plan(source, target, revisions, leave)
            tree.share(source, f"{target}-next", found.shared)
            if found.todo != [f"pick {commit.id}" for commit in tree.series(target)]:
                start(source, target, found)
        remember(source, target)
        mark.unlink(missing_ok=True)
        check_new_files(source, target)
        for base in (source, target):
            if not tree.is_applied(base):
                write_back(base)
        for difference in sorted(patches.compare_bases((source, target)) - set(patches.known_differences())):
            say(f"note: {source} and {target} differ, and patches/differences does not say why: {difference}")
        return changes(target, before)
