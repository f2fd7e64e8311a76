# SPDX-License-Identifier: GPL-2.0-only
"""Lists of real boots get the answers that are kept beside them."""

import json
from dataclasses import dataclass

import pytest

from lab.groups import Group
from lab.verifier import EMULATED, PLAIN, VECTORS, Verifier

FOLDERS = sorted(path.parent for path in VECTORS.glob("*/list"))


@dataclass(frozen=True)
class Elsewhere(Group):
    bases: tuple[str, ...] = ()
    verifier: Verifier = PLAIN


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_answer_is_the_kept_one(verifier, folder):
    # The answer has the name of the list
    answer = verifier.verify("list", "pcrs", "--json", cwd=folder)
    assert answer.json == json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.mark.groups([Elsewhere(f"vectors-{build.name}", "full", verifier=build) for build in EMULATED.values()],
                    lambda _group: [folder.name for folder in FOLDERS])
def test_answer_is_the_same_on_another_architecture(group, line):
    test_answer_is_the_kept_one(group.verifier, VECTORS / line)


@pytest.mark.quick
def test_there_are_lists_of_many_boots():
    assert len(FOLDERS) > 10
