# SPDX-License-Identifier: GPL-2.0-only
"""Where things are."""

from patchset.paths import BUILD, CACHE, TOP

__all__ = ["BUILD", "CACHE", "CONFIGS", "GUEST", "SELFTESTS", "TOP"]

GUEST = TOP / "tests" / "guest"
CONFIGS = TOP / "tests" / "configs"
SELFTESTS = TOP / "tools" / "testing" / "selftests" / "ima"
