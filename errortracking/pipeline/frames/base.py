"""What the languages of this folder share: how a frame is read, hashed and put together.

A language is one file with one ``PLATFORM``; the registry in ``__init__`` finds it. Adding one touches
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha512
from typing import cast

from errortracking.pipeline.clean import cut, longer
from errortracking.pipeline.exceptions import (
    Contents,
    Context,
    ContextLine,
    Frame,
    JsonObject,
    RawFrame,
)
from errortracking.pipeline.images import DebugImages
from errortracking.symbols.lookups import Answer, Wish

MAX_TEXT = 4096  # bytes of a file name, function or module; a data: URL as file name would be megabytes in a shared row
MAX_CONTEXT_LINES = 50  # per side; the SDKs send 5 to 10, more would only make the shared row larger
CONTEXT_LINE = 300  # characters
CONTEXT_CUT = "...✂️"
_UINT32 = 2**32 - 1
_UINT64 = 2**64 - 1


class Malformed(ValueError):
    """What was sent does not have the shape; the text says what was missing or of which type."""


class Kind(Enum):
    """What a field of a frame may hold."""

    TEXT = "a string"
    NUMBER = "u32"
    WIDE = "u64"
    LINES = "a sequence of strings"
    FLAG = "a boolean"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a platform's frames. ``aliases`` are other names under which SDKs send it."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    aliases: tuple[str, ...] = ()


def required(name: str, kind: Kind = Kind.TEXT) -> Field:
    """Return a field without which the frame is malformed."""
    return Field(name, kind, required=True)


def optional(name: str, kind: Kind = Kind.TEXT, *aliases: str) -> Field:
    """Return a field that may be absent or null."""
    return Field(name, kind, aliases=aliases)


SOURCE_CONTEXT = (optional("context_line"), optional("pre_context", Kind.LINES), optional("post_context", Kind.LINES))
CHUNK_ID = optional("chunk_id", Kind.TEXT, "chunkId")
_COMMON = (optional("in_app", Kind.FLAG), optional("synthetic", Kind.FLAG))

Images = DebugImages


@dataclass(frozen=True, slots=True)
class Platform:
    """How frames with these ``platform`` tags are read, told apart and shown.

    ``identity`` returns the bytes whose SHA-512 is the frame's ``raw_id``; ``resolve`` gets the frame and
    that id. ``repair``, if given, sees what was sent before it is checked.

    Languages whose frames symbol sets can tell more of have the other three. ``asks``: fields (by any name that SDKs
    use) without all of which a frame asks for none, which is a cheaper question than ``wants``: what it asks for, None
    for nothing. ``symbolicated`` is ``resolve`` with what a set has answered.
    """

    tags: tuple[str, ...]
    fields: tuple[Field, ...]
    identity: Callable[[RawFrame, Images], bytes]
    resolve: Callable[[RawFrame, str, Images], list[Frame]]
    repair: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None
    asks: tuple[str, ...] = ()
    wants: Callable[[RawFrame], Wish | None] | None = None
    symbolicated: Callable[[RawFrame, str, Answer], list[Frame]] | None = None


def read(platform: Platform, sent: Mapping[str, object]) -> RawFrame:
    """Return what ``platform`` knows of a frame as it was sent; raise ``Malformed`` where the shape is wrong.

    Null counts as absent everywhere: stricter readers lose whole events to an SDK that writes null for
    «none».
    """
    if platform.repair is not None:
        sent = platform.repair(sent)
    raw: dict[str, object] = {"platform": sent["platform"], "in_app": True, "synthetic": False}
    for field in (*platform.fields, *_COMMON):
        value = sent.get(field.name)
        for alias in field.aliases:
            value = sent.get(alias) if value is None else value
        if value is not None:
            raw[field.name] = _checked(field, value)
        elif field.required:
            raise Malformed(f"missing field `{field.name}`")
    return cast(RawFrame, raw)


def _checked(field: Field, value: object) -> object:
    kind = field.kind
    if kind is Kind.TEXT and isinstance(value, str):
        return value  # whole: it is a piece of the frame's identity, and cut only where it is shown (`shortened`)
    if kind is Kind.LINES and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if kind is Kind.FLAG and isinstance(value, bool):
        return value
    if kind is Kind.NUMBER and is_uint32(value):
        return value
    if kind is Kind.WIDE and type(value) is int and 0 <= value <= _UINT64:
        return value
    if kind is Kind.ANY:
        return value
    raise Malformed(f"invalid type: {described(value)}, expected {kind.value} for `{field.name}`")


def is_uint32(value: object) -> bool:
    """Tell whether ``value`` is a whole number of 32 bits without sign, the range of line and column numbers."""
    return type(value) is int and 0 <= value <= _UINT32


def described(value: object) -> str:
    """Name a JSON value for an error text, short whatever its size."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f'string "{cut(value, 60)}"'
    return "sequence" if isinstance(value, list) else "map"


# --- identity
# -----------------------------------------------------------------------------------------------------------


def texts(raw: RawFrame, *names: str) -> bytes:
    """Return the named texts one after the other, without a separator; absent ones are skipped."""
    fields = cast(Mapping[str, str], raw)
    return "".join([fields[name] for name in names if name in fields]).encode()


def number(raw: RawFrame, name: str, width: int = 4) -> bytes:
    """Return the named number, big-endian in ``width`` bytes; 0 if absent."""
    return cast(Mapping[str, int], raw).get(name, 0).to_bytes(width, "big")


def surrounding(raw: RawFrame) -> bytes:
    """Return the source lines before and after, as sent, one after the other."""
    return "".join([*raw.get("pre_context", ()), *raw.get("post_context", ())]).encode()


def raw_id(identity: bytes) -> str:
    """Return a frame's id from its identity: 128 lowercase hex digits."""
    return sha512(identity).hexdigest()


# --- what is shown
# ------------------------------------------------------------------------------------------------------


def shortened(raw: RawFrame) -> RawFrame:
    """Return the frame with names of at most ``MAX_TEXT`` bytes, the same object where none is longer."""
    long = {
        key: cut(value, MAX_TEXT)
        for key, value in raw.items()
        if isinstance(value, str) and key != "context_line" and longer(value, MAX_TEXT)
    }
    return cast(RawFrame, {**raw, **long}) if long else raw


def contents(raw: RawFrame, id_: str, lang: str, name: str, *, part: int = 0) -> Contents:
    """Return the keys that every frame has, as of a frame that needs no resolution; the language adds its own."""
    return {
        "raw_id": f"{id_}/{part}",
        "mangled_name": name,
        "in_app": raw["in_app"],
        "lang": lang,
        "resolved": True,
        "synthetic": raw["synthetic"],
        "suspicious": False,
    }


def junk(raw: RawFrame) -> JsonObject:
    """Return ``junk_drawer``: what the SDK sent, for readers who ask what there was to resolve; lines cut as shown."""
    sent: JsonObject = {key: value for key, value in raw.items() if key != "platform"}  # type: ignore[misc]
    for key in ("pre_context", "post_context"):
        if key in sent:
            sent[key] = [shown(text) for text in cast(list[str], sent[key])[:MAX_CONTEXT_LINES]]
    if "context_line" in sent:
        sent["context_line"] = shown(cast(str, sent["context_line"]))
    return {"raw_frame": sent}


def shown(text: str) -> str:
    """Return a source line as it is shown: at most 300 characters, a mark behind what was cut."""
    return text if len(text) <= CONTEXT_LINE else text[:CONTEXT_LINE] + CONTEXT_CUT


def source_context(raw: RawFrame, *, nearest_first: bool = False, most: int = MAX_CONTEXT_LINES) -> Context | None:
    """Return the source lines that the SDK sent, numbered; None without a line or its number.

    ``before`` begins with the line nearest to the frame; line numbers end at 0. ``nearest_first``: the SDK
    sent ``pre_context`` in that order already, else it is in the order of the file.
    """
    if "context_line" not in raw or "lineno" not in raw:
        return None
    at = raw["lineno"]
    before = raw.get("pre_context", [])
    before = before[:most] if nearest_first else before[: -most - 1 : -1]
    after = raw.get("post_context", [])[:most]
    return {
        "before": [_numbered(max(at - n, 0), text) for n, text in enumerate(before, 1)],
        "line": _numbered(at, raw["context_line"]),
        "after": [_numbered(min(at + n, _UINT32), text) for n, text in enumerate(after, 1)],
    }


def _numbered(at: int, text: str) -> ContextLine:
    return {"number": at, "line": shown(text)}
