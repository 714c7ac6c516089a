"""Frames of Hermes, React Native's engine: positions in one line of bytecode, told apart by their column."""

from __future__ import annotations

from errortracking.pipeline.clean import cut
from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    MAX_TEXT,
    Images,
    Kind,
    Platform,
    contents,
    junk,
    optional,
    required,
    texts,
)
from errortracking.pipeline.frames.symbolic import reference
from errortracking.symbols import lookups
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Wish

NO_CHUNK_ID = Failure("Hermes", "NoChunkId")
_NO_TOKEN = "NoTokenForColumn"  # noqa: S105  # the name of a failure


def _identity(raw: RawFrame, images: Images) -> bytes:
    column = str(raw["colno"]).encode() if "colno" in raw else b""
    return texts(raw, "function", "filename") + column + texts(raw, "chunk_id")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    if "chunk_id" not in raw:
        return [_failed(raw, id_, NO_CHUNK_ID)]
    return [_failed(raw, id_, Failure("Hermes", "NoSourcemapUploaded", (raw["chunk_id"],)))]


def _failed(raw: RawFrame, id_: str, failure: Failure) -> Frame:
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown.update({"line": 1, "source": raw["filename"], "resolved": False, "junk_drawer": junk(raw)})
    shown["resolve_failure"] = failure.text
    if "colno" in raw:
        shown["column"] = raw["colno"]
    ref = reference(raw["chunk_id"]) if "chunk_id" in raw else None
    return Frame(id_, 0, shown, None, False, (ref,) if ref else (), missing_ref=ref, platform=raw["platform"])


def _wants(raw: RawFrame) -> Wish | None:
    if "chunk_id" not in raw:
        return None
    position = lookups.Position(lookups.Kind.HERMES, 1, raw.get("colno", 0), cut(raw["function"], MAX_TEXT))
    return Wish((reference(raw["chunk_id"]),), position)


def _symbolicated(raw: RawFrame, id_: str, answer: Answer) -> list[Frame]:
    known = not isinstance(answer, Failure)
    if "colno" not in raw and (known or (isinstance(answer, Failure) and answer.name == _NO_TOKEN)):
        return [_native(raw, id_)]
    if isinstance(answer, Failure):
        return [_failed(raw, id_, answer)]
    return [javascript.original(raw, id_, part, place, in_app=raw["in_app"]) for part, place in enumerate(answer)]


def _native(raw: RawFrame, id_: str) -> Frame:
    """Return a frame of a program whose map is there, that stands at no place in it: what it says is all there is."""
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown.update({"source": raw["filename"], "resolved_name": raw["function"], "junk_drawer": junk(raw)})
    shown["in_app"] = raw["in_app"] and raw["filename"] != javascript.ANONYMOUS
    return Frame(id_, 0, shown, None, True)


PLATFORM = Platform(
    tags=("hermes",),
    fields=(required("filename"), required("function"), optional("colno", Kind.NUMBER), CHUNK_ID),
    identity=_identity,
    resolve=_resolve,
    asks=("chunk_id", "chunkId"),
    wants=_wants,
    symbolicated=_symbolicated,
)
