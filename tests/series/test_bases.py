# SPDX-License-Identifier: GPL-2.0-only
"""What two kernel bases have in common is the same in the patches of both."""

import pytest

from patchset import patches

pytestmark = pytest.mark.quick


def test_bases_differ_only_where_the_table_says():
    unexplained = patches.compare_bases() - patches.known_differences().keys()
    assert not sorted(map(str, unexplained)), "make port carries over, or patches/differences has the reason"


def test_every_difference_in_the_table_is_one():
    needless = patches.known_differences().keys() - patches.compare_bases()
    assert not sorted(map(str, needless)), "remove these lines of patches/differences"


@pytest.mark.parametrize("base", patches.BASES)
def test_subjects_are_unique(base):
    subjects = [patches.subject(patch) for patch in patches.patches(base)]
    assert sorted(subjects) == sorted(set(subjects))


def test_patches_are_where_the_series_finds_them():
    found = {patch for base in patches.BASES for patch in patches.patches(base)}
    assert set(patches.PATCHES.rglob("*.patch")) == found
