"""Frames of Hermes, React Native's engine: positions in one line of bytecode, told apart by their column."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    Images,
    Kind,
    Platform,
    contents,
    junk,
    optional,
    required,
    texts,
)

NO_CHUNK_ID = "No chunk id sent with frame"


def _identity(raw: RawFrame, images: Images) -> bytes:
    column = str(raw["colno"]).encode() if "colno" in raw else b""
    return texts(raw, "function", "filename") + column + texts(raw, "chunk_id")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    chunk_id = raw.get("chunk_id")
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown.update({"line": 1, "source": raw["filename"], "resolved": False, "junk_drawer": junk(raw)})
    shown["resolve_failure"] = NO_CHUNK_ID if chunk_id is None else javascript.not_uploaded(chunk_id)
    if "colno" in raw:
        shown["column"] = raw["colno"]
    return [Frame(id_, 0, shown, None, False, () if chunk_id is None else (chunk_id,))]


PLATFORM = Platform(
    tags=("hermes",),
    fields=(required("filename"), required("function"), optional("colno", Kind.NUMBER), CHUNK_ID),
    identity=_identity,
    resolve=_resolve,
)
