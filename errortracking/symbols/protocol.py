"""Lines of JSON between a worker and its parsing process: one `Request`, one `Reply`, and so on.

The process says ``{"kind": "ready"}`` first. End of input means that the worker is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Kind, Original, Position, SourceContext

Told = tuple[str, str, Sequence[str | int]]
"""A `Failure`."""


class Request(TypedDict):
    """Look these positions up in the container at ``path``."""

    path: str
    ref: str
    kind: str
    positions: list[tuple[int, int, str, str]]


class Reply(TypedDict):
    """``answers``, one for each position; or why the data is ``unreadable`` or ``unavailable``; or our ``defect``."""

    kind: Literal["ready", "answers", "unreadable", "unavailable", "defect"]
    answers: NotRequired[list[Told | dict[str, list[Place]]]]
    failure: NotRequired[Told]
    text: NotRequired[str]


class Place(TypedDict):
    """An `Original`."""

    source: str | None
    line: int | None
    column: int | None
    name: str | None
    module: str | None
    context: SourceContext | None


def request(path: str, ref: str, positions: Sequence[Position]) -> Request:
    """Return the request for positions of one kind."""
    told = [(_whole(p.line), _whole(p.column), p.function, p.module) for p in positions]
    return {"path": path, "ref": ref, "kind": positions[0].kind.value, "positions": told}


def positions(request: Request) -> list[Position]:
    """Return what is asked for."""
    kind = Kind(request["kind"])
    return [Position(kind, line, column, function, module) for line, column, function, module in request["positions"]]


def told(failure: Failure) -> Told:
    """Return the failure as it crosses the border."""
    return failure.group, failure.name, failure.values


def failure(told: Told) -> Failure:
    """Return the failure that came across the border."""
    group, name, values = told
    return Failure(group, name, tuple(values))


def encoded(answer: Answer) -> Told | dict[str, list[Place]]:
    """Return the answer as it crosses the border."""
    if isinstance(answer, Failure):
        return told(answer)
    return {"places": [_place(original) for original in answer]}


def answer(encoded: Told | dict[str, list[Place]]) -> Answer:
    """Return the answer that came across the border."""
    if isinstance(encoded, dict):
        return tuple(Original(**place) for place in encoded["places"])
    return failure(encoded)


def unreadable(kind: Kind, why: str) -> Failure:
    """Return the failure of data of this kind that is no container, or that takes too much to read."""
    group, name = {
        Kind.JAVASCRIPT: ("JavaScript", "JSDataError"),
        Kind.HERMES: ("Hermes", "InvalidMap"),
        Kind.PROGUARD: ("Proguard", "InvalidMapping"),
    }[kind]
    return Failure(group, name, (why,))


def _whole(number: int) -> int:
    """Return a number that the JSON here can hold: 64 bits."""
    return max(min(number, 2**63 - 1), -(2**63))


def _place(original: Original) -> Place:
    return {
        "source": original.source,
        "line": original.line,
        "column": original.column,
        "name": original.name,
        "module": original.module,
        "context": original.context,
    }
