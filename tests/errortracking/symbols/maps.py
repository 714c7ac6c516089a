"""Source maps written token by token, and a small program of which every position is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from errortracking.symbols.container import Contents, write
from errortracking.symbols.lookups import Kind, Position

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

SOURCE = """\
// a small program
function outer() {
  inner();
}
function inner() {
  throw new Error('x');
}
outer();
"""
SCRIPT = "function a(){b()}function b(){throw new Error('x')}a();"
NAMES = ["outer", "inner", "Error"]
# Line and column in the script; source, line and column in the program; place among the names. All count from 0.
TOKENS: list[tuple[int, ...]] = [
    (0, 0, 0, 1, 0),  # function a() {
    (0, 9, 0, 1, 9, 0),  # a
    (0, 13, 0, 2, 2, 1),  # b()
    (0, 17, 0, 4, 0),  # function b() {
    (0, 26, 0, 4, 9, 1),  # b
    (0, 30, 0, 5, 2),  # throw
    (0, 36, 0, 5, 8, 2),  # new Error
    (0, 51, 0, 7, 0, 0),  # a()
]


def mappings(tokens: Sequence[tuple[int, ...]]) -> str:
    """Return tokens in ascending order as a map's ``mappings``."""
    lines: dict[int, list[str]] = {}
    last = [0, 0, 0, 0, 0]
    at = 0
    for line, *fields in tokens:
        if line != at:
            at, last[0] = line, 0  # columns begin anew in each line, the others go on
        lines.setdefault(line, []).append("".join(vlq(new - old) for new, old in zip(fields, last, strict=False)))
        last[: len(fields)] = fields
    return ";".join(",".join(lines.get(number, [])) for number in range(max(lines, default=0) + 1))


def vlq(number: int) -> str:
    """Return a number as maps write it: base 64, the sign in the lowest bit, five bits a digit, the lowest first."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    text = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        text += _DIGITS[digit | 32 if rest else digit]
        if not rest:
            return text


def source_map(**changes: Any) -> dict[str, Any]:
    """Return the program's map, with changes; None takes a member away."""
    told = {
        "version": 3,
        "sources": ["src/app.ts"],
        "sourcesContent": [SOURCE],
        "names": NAMES,
        "mappings": mappings(TOKENS),
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def script(told: Any = None, source: str = SCRIPT) -> Contents:
    """Return a script and its map, the program's unless told otherwise."""
    return Contents(Kind.JAVASCRIPT, json.dumps(source_map() if told is None else told).encode(), source.encode())


def container(contents: Contents | None = None) -> bytes:
    """Return the container that holds the contents, the program's unless told otherwise."""
    return b"".join(write(contents or script()))


def at(column: int, line: int = 1, function: str = "b") -> Position:
    """Return a position in a script."""
    return Position(Kind.JAVASCRIPT, line, column, function)
