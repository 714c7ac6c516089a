"""PHP frames: complete as sent. File and function may be missing (code inside PHP itself, or outside any function)."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import (
    SOURCE_CONTEXT,
    Images,
    Kind,
    Platform,
    contents,
    number,
    optional,
    source_context,
    surrounding,
    texts,
)


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "context_line", "filename", "function") + number(raw, "lineno") + surrounding(raw)


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    shown = contents(raw, id_, "php", raw.get("function", "<unknown>"))
    if "filename" in raw:
        shown["source"] = raw["filename"]
    if "function" in raw:
        shown["resolved_name"] = raw["function"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    return [Frame(id_, 0, shown, source_context(raw), True)]


PLATFORM = Platform(
    tags=("php",),
    fields=(
        optional("filename"),
        optional("function"),
        optional("abs_path"),
        optional("lineno", Kind.NUMBER),
        *SOURCE_CONTEXT,
    ),
    identity=_identity,
    resolve=_resolve,
)
