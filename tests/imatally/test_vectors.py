# SPDX-License-Identifier: GPL-2.0-only
"""Lists of real boots get the answers that are kept beside them."""

import json

import pytest

from lab.verifier import VECTORS

FOLDERS = sorted(path.parent for path in VECTORS.glob("*/list"))


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_answer_is_the_kept_one(verifier, folder):
    # The answer has the name of the list
    answer = verifier.verify("list", "pcrs", "--json", cwd=folder)
    assert answer.json == json.loads((folder / "result.json").read_text(encoding="utf-8"))


@pytest.mark.quick
def test_there_are_lists_of_many_boots():
    assert len(FOLDERS) > 10
