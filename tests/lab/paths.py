# SPDX-License-Identifier: GPL-2.0-only
"""Where things are."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ima-update-counter"
GUEST = TOP / "tests" / "guest"
CONFIGS = TOP / "tests" / "configs"
SELFTESTS = TOP / "tools" / "testing" / "selftests" / "ima"
