"""The shop's browser bundle: 24 functions on one line, and the source map that tells what they were."""

from __future__ import annotations

import json
from typing import Any, Final

from errortracking.symbols.container import Contents
from errortracking.symbols.lookups import Kind
from tests.errortracking.symbols.maps import container, mappings

CHUNK: Final = "01b7d3c2-0000-4000-8000-00000000c0de"
URL: Final = "https://shop.example/assets/app-5d41402a.js"
ERRORS: Final = ("CartError", "CheckoutError", "SearchError")
DEPTH: Final = 8
"""Frames of each error. Three times eight are more than the twenty below which nothing is said of source maps."""

_NAMES: Final = [f"{error[:-5].lower()}Step{number}" for error in ERRORS for number in range(DEPTH)]
_FUNCTIONS: Final = [f"function f{number:02}(){{throw Error()}}" for number in range(len(_NAMES))]
_WIDTH: Final = len(_FUNCTIONS[0])
_BODY: Final = _FUNCTIONS[0].index("throw")


def symbols() -> bytes:
    """Return what the build uploads."""
    tokens = [(0, _WIDTH * number + _BODY, 0, number, 2, number) for number in range(len(_NAMES))]
    told = {
        "version": 3,
        "sources": ["src/shop.ts"],
        "sourcesContent": ["\n".join(f"  {name}();" for name in _NAMES)],
        "names": _NAMES,
        "mappings": mappings(tokens),
    }
    return container(Contents(Kind.JAVASCRIPT, json.dumps(told).encode(), "".join(_FUNCTIONS).encode()))


def frames(error: str) -> list[dict[str, Any]]:
    """Return the frames that a browser sends of one of `ERRORS`."""
    first = ERRORS.index(error) * DEPTH
    return [
        {
            "platform": "web:javascript",
            "filename": URL,
            "function": f"f{number:02}",
            "lineno": 1,
            "colno": _WIDTH * number + _BODY + 1,
            "in_app": True,
            "chunk_id": CHUNK,
        }
        for number in range(first, first + DEPTH)
    ]
