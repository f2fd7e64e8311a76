# SPDX-License-Identifier: GPL-2.0-only
"""Files that are built once, and again only when what they are made of has changed."""

import hashlib
from pathlib import Path


def digest(*parts: str | bytes) -> str:
    """A digest of what something is made of, to compare with that of its last build."""
    total = hashlib.sha256()
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def is_current(file: Path, state: Path, wanted: str) -> bool:
    """Is @file there, and built from what the digest @wanted says?"""
    return file.exists() and state.exists() and state.read_text(encoding="ascii") == wanted
