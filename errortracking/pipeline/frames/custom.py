"""Frames of whatever language, by clients that make them themselves (Elixir's SDK among them): taken at their word."""

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

CONTEXT_LINES = 10  # per side


def _identity(raw: RawFrame, images: Images) -> bytes:
    return b"".join(
        (
            texts(raw, "context_line", "filename", "function"),
            number(raw, "lineno"),
            number(raw, "colno"),
            texts(raw, "lang"),
            b"true" if raw.get("resolved") else b"false",
            texts(raw, "module"),
            surrounding(raw),
        )
    )


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    resolved = raw.get("resolved", False)
    shown = contents(raw, id_, raw["lang"], raw["function"])
    shown.update({"resolved_name": raw["function"], "resolved": resolved})
    if "filename" in raw:
        shown["source"] = raw["filename"]
    if "module" in raw:
        shown["module"] = raw["module"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "colno" in raw:
        shown["column"] = raw["colno"]
    context = source_context(raw, nearest_first=True, most=CONTEXT_LINES)
    return [Frame(id_, 0, shown, context, resolved)]


PLATFORM = Platform(
    tags=("custom",),
    fields=(
        required("lang"),
        required("function"),
        optional("filename"),
        optional("lineno", Kind.NUMBER),
        optional("colno", Kind.NUMBER),
        optional("module"),
        *SOURCE_CONTEXT,
        optional("resolved", Kind.FLAG),
    ),
    identity=_identity,
    resolve=_resolve,
)
