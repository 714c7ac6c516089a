"""Keeping events whose properties are nested too deep: what lies below the limit becomes null, the rest stays."""

from __future__ import annotations

from typing import Any, Final

import orjson

# orjson indents by two blanks a level, and no raw line break stands inside a JSON string: members of a container at
# level n begin with a line break and 2n blanks. A search for that finds depth at the speed of memory, where walking
# through the values in Python would cost more than reading and writing them.
_INDENT: Final = 2


def exceeds(value: Any, levels: int) -> bool:
    """Return whether ``value`` holds a non-empty array or object below ``levels`` levels, itself being the first."""
    try:
        indented = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:
        return True  # beyond 254 levels; nothing else can fail in what the parser returned
    return b"\n" + b" " * (_INDENT * (levels + 1)) in indented


def cut(value: Any, levels: int) -> bool:
    """Replace, in place, each non-empty array and object below ``levels`` levels by None; return whether any was."""
    row = [value]
    for _ in range(levels - 1):
        row = [child for container in row for child in _members(container) if _is_filled(child)]
    found = False
    for container in row:
        for key, child in list(container.items() if isinstance(container, dict) else enumerate(container)):
            if _is_filled(child):
                container[key] = None
                found = True
    return found


def _members(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _is_filled(value: Any) -> bool:
    return bool(value) and isinstance(value, dict | list)
