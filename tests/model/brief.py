# SPDX-License-Identifier: GPL-2.0-only
"""Histories in few words, for messages."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from model.tpm import Bank


def brief(value: Any) -> str:
    """Like repr(), without the members that have their default."""
    if isinstance(value, Bank):
        return value.tool_name + ("" if value.known else " unknown") + ("" if value.holds else " without IMA PCR")
    if is_dataclass(value) and not isinstance(value, type):
        said = []
        for one in fields(value):
            given = getattr(value, one.name)
            default = one.default_factory() if one.default_factory is not MISSING else one.default
            if given != default:
                said.append(f"{one.name}={brief(given)}")
        return f"{type(value).__name__}({', '.join(said)})"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(brief(one) for one in value) + "]"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    if isinstance(value, bytes) and len(value) > 60:
        return f"{value[:20]!r}... ({len(value)} bytes)"
    return repr(value)
