# SPDX-License-Identifier: GPL-2.0-only
"""
ASCII lists that other projects publish are read. They are not this project's to distribute: the environment variable
IMA_LOGS names the folder that has them.
"""

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("IMA_LOGS")
LISTS = sorted(Path(FOLDER).glob("*.ascii")) if FOLDER else []


@pytest.fixture(params=LISTS or [None], ids=[path.stem for path in LISTS] or ["no folder"])
def published(request):
    if not FOLDER:
        pytest.skip("IMA_LOGS does not name a directory of published lists")
    assert request.param, f"no *.ascii in {FOLDER}"
    return request.param


def test_each_line_is_an_entry(verifier, published):
    lines = len(published.read_text(encoding="utf-8").splitlines())
    answer = verifier.call("show", published)
    assert answer.status == 0 and answer.err == ""
    assert answer.says(rf"^0 records in {lines} entr(y|ies), ASCII"), answer.text
