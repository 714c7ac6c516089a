"""How the automatic versions hash: which pieces of an event, in which order. SHA-512 over them, without a separator.

For each exception: its type; its message, but only if it has no stack (messages carry ids and user input, a
stack says it better); then for each chosen frame its source and module, and either the function's resolved
name, or for want of it the mangled name, the position and the language.

What differs between versions are the five switches of ``Rules``. **A version never changes once shipped**:
every issue ever made is keyed by these bytes, and one other byte makes each next event a new issue. A better
idea is a new version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha512

from errortracking.pipeline.exceptions import Contents, Frame, Json, JsonObject, ParsedException


@dataclass(frozen=True, slots=True)
class Rules:
    """What a version does its own way. ``positions``: frames without a resolved name add their line and column."""

    choose: Callable[[Sequence[Frame]], Sequence[Frame]]
    source: Callable[[str], str]
    module: Callable[[str], str]
    message: Callable[[str], str]
    positions: bool


@dataclass(slots=True)
class Fingerprint:
    """A fingerprint: 128 hex digits (or a client's or a rule's text), its version if automatic, and what went into it.

    ``record`` is served to readers as ``$exception_fingerprint_record``.
    """

    value: str
    version: str | None
    record: list[JsonObject]


def compute(version: str, rules: Rules, exceptions: Sequence[ParsedException]) -> Fingerprint:
    """Return the fingerprint of resolved ``exceptions``, hashed in the order in which they stand."""
    pieces: list[str] = []
    record: list[JsonObject] = []
    for exception in exceptions:
        pieces.append(exception.type)
        named: list[Json] = ["Exception Type"]
        if exception.stack is None:
            pieces.append(rules.message(exception.value))
            named.append("Exception Message")
        record.append({"type": "exception", "id": exception.id, "pieces": named})
        for frame in rules.choose(exception.frames):
            named = _add(pieces, frame.contents, rules)
            record.append({"type": "frame", "raw_id": frame.contents["raw_id"], "pieces": named})
    return Fingerprint(sha512("".join(pieces).encode()).hexdigest(), version, record)


def _add(pieces: list[str], frame: Contents, rules: Rules) -> list[Json]:
    """Append a frame's pieces; return what they are called."""
    named: list[Json] = []
    if "source" in frame:
        pieces.append(rules.source(frame["source"]))
        named.append("Source file name")
    if "module" in frame:
        pieces.append(rules.module(frame["module"]))
        named.append("Module name")
    if "resolved_name" in frame:
        pieces.append(frame["resolved_name"])
        named.append("Resolved function name")
        return named
    pieces.append(frame["mangled_name"])
    named.append("Mangled function name")
    if rules.positions and "line" in frame:
        pieces.append(str(frame["line"]))
        named.append("Line number")
    if rules.positions and "column" in frame:
        pieces.append(str(frame["column"]))
        named.append("Column number")
    pieces.append(frame["lang"])
    named.append("Language")
    return named
