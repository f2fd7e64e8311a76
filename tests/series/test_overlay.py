# SPDX-License-Identifier: GPL-2.0-only
"""The folders of the overlay have the new files that patches name, and nothing else."""

import subprocess

import pytest

from patchset import patches
from patchset.paths import TOP

pytestmark = pytest.mark.quick

OVERLAY = ("drivers", "include", "security", "Documentation", "tools/testing")


def named(base: str) -> set[str]:
    return set(patches.new_files(*patches.patches(base)))


def test_overlay_has_what_patches_name():
    listed = subprocess.run(["git", "-C", TOP, "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *OVERLAY],
                            check=True, stdout=subprocess.PIPE, text=True).stdout
    here = {name for name in listed.split("\0") if name and (TOP / name).exists()}
    assert here == set().union(*map(named, patches.BASES))


@pytest.mark.parametrize("base", patches.BASES)
def test_a_new_file_is_added_once(base):
    names = patches.new_files(*patches.patches(base))
    assert sorted(names) == sorted(set(names))
