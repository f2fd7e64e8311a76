# SPDX-License-Identifier: GPL-2.0-only
"""
The tests notice when the kernel code breaks a promise.

Each mutant of tests/mutants.list is applied alone to a checkout of its own, and at least one of the tests that it names
must fail on that kernel. First the same tests must pass on the kernel as it is. A mutant takes a minute or two. One
that was caught is not tried again until something changes that it depends on, so "make mutants" can be interrupted.
"""

from pathlib import Path

import pytest

from lab import mutants
from lab.built import digest
from lab.groups import Group, once, settings
from lab.laboratory import Laboratory
from lab.mutants import Mutant
from lab.paths import TOP
from patchset.git import git
from patchset.patches import DEFAULT_BASE
from patchset.tree import series_ref, tree

LIST = TOP / "tests" / "mutants.list"
MUTANTS = {mutant.name: mutant for mutant in mutants.read(LIST)}

def of_base(group: Group) -> list[str]:
    """What breaks the code that all bases share has to be caught on one of them."""
    return [mutant.name for mutant in MUTANTS.values() if (mutant.base or settings.bases[0]) == group.base]


@pytest.fixture
def laboratory(group: Group) -> Laboratory:
    return once(group.id, lambda: Laboratory(group.base, group.name))


@pytest.mark.timeout(0)
@pytest.mark.groups([Group("mutants", "full")], of_base)
def test_mutant_is_caught(group: Group, line: str, laboratory: Laboratory, selftest_programs: Path,
                          imatally: Path) -> None:
    mutant = MUTANTS[line]
    key = digest(repr(mutant), laboratory.tests)
    if laboratory.is_known(f"{line}.caught", key):
        print("caught before, and nothing has changed since")
        return
    by = mutant.caught_by
    once((group.id, by), lambda: laboratory.unbroken(by, group.folder / f"unbroken-{digest(by)[:16]}"))

    laboratory.mend()
    mutant.apply(laboratory.checkout)
    try:
        done = laboratory.run(by, group.folder / line)
    finally:
        laboratory.mend()
    assert done.passed or done.failed, f"{line} does not build or run:\n{done.output}"
    assert done.failed, f"{line} is not caught by {by!r}"
    print(f"caught by {done.failed[0]}")
    laboratory.remember(f"{line}.caught", key)


def copy_of(mutant: Mutant, base: str, to: Path) -> Path:
    """The files that a mutant changes, as the series leaves them."""
    for edit in mutant.edits:
        file = to / edit.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(git(tree(base), "show", f"{series_ref(base)}:{edit.file}") + "\n", encoding="utf-8")
    return to


@pytest.mark.groups([Group("mutants_apply")])
def test_each_mutant_applies(group: Group, tmp_path: Path) -> None:
    # What breaks shared code is tried on the default base, and may look different on the others
    for name, mutant in MUTANTS.items():
        if (mutant.base or DEFAULT_BASE) == group.base:
            mutant.apply(copy_of(mutant, group.base, tmp_path / name))
