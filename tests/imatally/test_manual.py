# SPDX-License-Identifier: GPL-2.0-only
"""The manual pages."""

import shutil
import subprocess

import pytest

from lab.verifier import SOURCE

PAGES = sorted((SOURCE / "man").iterdir())


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_page_is_formatted_without_a_warning(page):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
