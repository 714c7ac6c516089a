"""What the tests of symbolication share: a minified script with its map, frames that stand in it, and symbol sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection

from environments import clock
from environments.models import Project
from errortracking.models import FrameContent, StackFrame, SymbolSet
from errortracking.symbols import container, fetching, records
from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching import ChunkId
from errortracking.symbols.lookups import Kind
from tests.errortracking.pipeline.making import entry, exception

URL = "https://shop.example/assets/app.js"
SOURCE = """// the cart
export function pay(cart) {
  throw new Error("no stock");
}

export function refund(cart) {
  pay(cart);
}
"""
SCRIPT = 'function a(b){throw new Error("no stock")}function c(d){a(d)}\n'
# Column from 0 in the script's one line → line and column from 0 in the source, and the name there.
PLACES = [
    (0, 1, 7, None),
    (9, 1, 16, "pay"),
    (14, 2, 2, None),
    (20, 2, 8, None),
    (42, 5, 7, None),
    (51, 5, 16, "refund"),
    (56, 6, 2, None),
]
THROWN, CALLED = 21, 57  # columns from 1: of `new Error` in `pay`, and of the call of `pay` in `refund`
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def source_map(source: str = "webpack:///src/cart.ts") -> str:
    """Return the map of `SCRIPT`."""
    names = [name for *_, name in PLACES if name]
    mappings, before = [], [0, 0, 0, 0, 0]
    for column, line, source_column, name in PLACES:
        now = [column, 0, line, source_column, names.index(name) if name else before[4]]
        mappings.append(
            "".join(_vlq(here - there) for here, there in zip(now[: 5 if name else 4], before, strict=False))
        )
        before = now
    return json.dumps(
        {
            "version": 3,
            "sources": [source],
            "sourcesContent": [SOURCE],
            "names": names,
            "mappings": ",".join(mappings),
        }
    )


def _vlq(number: int) -> str:
    rest = abs(number) << 1 | (number < 0)
    digits = ""
    while True:
        rest, digit = rest >> 5, rest & 31
        digits += _DIGITS[digit | 32 if rest else digit]
        if not rest:
            return digits


def packed(source: str = "webpack:///src/cart.ts") -> Iterable[bytes]:
    """Return the container of `SCRIPT` and its map, in pieces."""
    return container.write(Contents(Kind.JAVASCRIPT, source_map(source).encode(), SCRIPT.encode()))


def upload(project: Project, ref: str, source: str = "webpack:///src/cart.ts") -> SymbolSet:
    """Store a symbol set, as an upload does."""
    id_ = records.store(project.id, ref, packed(source))
    return SymbolSet.objects.get(environment_id=project.id, id=id_)


def web(column: int = THROWN, function: str = "a", **changes: Any) -> dict[str, Any]:
    """Return a frame of a browser that stands in `SCRIPT`; a change to ``...`` leaves the field out."""
    sent = {
        "platform": "web:javascript",
        "filename": URL,
        "function": function,
        "lineno": 1,
        "colno": column,
        "in_app": True,
        **changes,
    }
    return {key: value for key, value in sent.items() if value is not ...}


def thrown(*frames: dict[str, Any], lib: str = "web", **changes: Any) -> Any:
    """Return an event that was thrown in a browser, with these frames."""
    sent = exception("Error", "no stock", frames=frames or [web(CALLED, "c"), web()])
    return entry(
        sent, properties={"$lib": lib, "$lib_version": "1.449.2"}, timestamp=clock.now().isoformat(), **changes
    )


def contents_of(project: Project) -> dict[str, dict[str, Any]]:
    """Return the current contents of the project's frames, by mangled name."""
    rows = StackFrame.objects.filter(environment_id=project.id)
    ids = [row.content_id for row in rows]
    found = FrameContent.objects.filter(environment_id=project.id, id__in=ids)
    return {one.contents["mangled_name"]: one.contents for one in found}


def jobs() -> list[tuple[str, dict[str, Any]]]:
    """Return what is queued, and forget it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs RETURNING task_name, args::text")
        return sorted(((name, json.loads(arguments)) for name, arguments in cursor.fetchall()), key=str)


def answers(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """Let every fetch end with ``answer``; returns what was fetched."""
    fetched: list[str] = []

    def fetch(url: str, *, is_uploaded: Callable[[str], bool] | None = None) -> Any:
        fetched.append(url)
        if isinstance(answer, ChunkId) and is_uploaded and not is_uploaded(answer.id):
            return Failure("JavaScript", "NoSourcemap", (url,))
        return answer

    monkeypatch.setattr(fetching, "fetch", fetch)
    return fetched
