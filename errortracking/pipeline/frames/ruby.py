"""Ruby frames: complete as sent."""

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
    required,
    source_context,
    surrounding,
    texts,
)


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "context_line", "filename", "function") + number(raw, "lineno") + surrounding(raw)


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    shown = contents(raw, id_, "ruby", raw["function"])
    shown["source"] = raw["filename"]
    shown["resolved_name"] = raw["function"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    return [Frame(id_, 0, shown, source_context(raw), True)]


PLATFORM = Platform(
    tags=("ruby",),
    fields=(
        required("filename"),
        required("function"),
        optional("abs_path"),
        optional("lineno", Kind.NUMBER),
        *SOURCE_CONTEXT,
    ),
    identity=_identity,
    resolve=_resolve,
)
