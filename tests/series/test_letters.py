# SPDX-License-Identifier: GPL-2.0-only
"""The cover letters of the series and of each topic can be mailed."""

import pytest

from patchset import patches
from patchset.paths import PATCHES

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("topic", ["", *patches.topics()])
def test_letter_has_a_subject_and_lines_that_a_reply_can_quote(topic):
    subject, empty, *lines = (PATCHES / topic / "cover-letter").read_text(encoding="utf-8").split("\n")
    assert subject and not empty and lines.pop() == ""
    assert [line for line in (subject, *lines) if len(line) > 74 or line != line.rstrip()] == []
