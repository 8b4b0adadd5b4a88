"""What came out of a sandbox, made fit to travel as JSON: browsers know no NaN, and depth must have an end."""

from __future__ import annotations

import math
from typing import Any

_DEEPEST = 60


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of parsed JSON that every reader of JSON takes: no NaN, no lone surrogate, no depth without end."""
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else None
        case dict() | list() if depth >= _DEEPEST:
            return "…"
        case dict():
            return {plain(str(key)): plain(one, depth + 1) for key, one in value.items()}
        case list():
            return [plain(one, depth + 1) for one in value]
    return value
