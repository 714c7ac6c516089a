"""Keeping events whose properties are nested too deep: what lies below the limit becomes null, the rest stays."""

from __future__ import annotations

from typing import Any, Final

import orjson

# orjson indents by two blanks a level, and no raw line break stands inside a JSON string: members of a container at
# level n begin with a line break and 2n blanks. A search for that finds depth at the speed of memory, where walking
# through the values in Python would cost more than reading and writing them.
_INDENT: Final = 2
# Bytes of JSON. Each value deep below takes 500 bytes with its indent: these become 50 MB at most, the largest request
# would become a gigabyte and more. Walking through one of a megabyte costs half of what reading it does.
_INDENTED: Final = 128 * 1024


def exceeds(value: Any, levels: int, size: int) -> bool:
    """Return whether ``value`` holds a non-empty array or object below ``levels`` levels, itself being the first.

    ``size`` is how many bytes of JSON it was read from.
    """
    if size > _INDENTED:
        return any(_is_filled(child) for container in _row(value, levels) for child in _members(container))
    try:
        indented = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:
        return True  # beyond 254 levels; nothing else can fail in what the parser returned
    return b"\n" + b" " * (_INDENT * (levels + 1)) in indented


def cut(value: Any, levels: int) -> bool:
    """Replace, in place, each non-empty array and object below ``levels`` levels by None; return whether any was."""
    found = False
    for container in _row(value, levels):
        for key, child in list(container.items() if isinstance(container, dict) else enumerate(container)):
            if _is_filled(child):
                container[key] = None
                found = True
    return found


def _row(value: Any, levels: int) -> list[Any]:
    """Return the non-empty arrays and objects at the last of ``levels`` levels."""
    row = [value]
    for _ in range(levels - 1):
        row = [child for container in row for child in _members(container) if _is_filled(child)]
        if not row:
            break
    return row


def _members(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _is_filled(value: Any) -> bool:
    return bool(value) and isinstance(value, dict | list)
