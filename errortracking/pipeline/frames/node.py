"""JavaScript frames of Node.js: complete as sent, unless a chunk id says that an uploaded map is to be asked."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Context, Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    SOURCE_CONTEXT,
    Images,
    Kind,
    Platform,
    contents,
    junk,
    number,
    optional,
    required,
    source_context,
    surrounding,
    texts,
)

MINIFIED_LINE = 300  # bytes: lines that are longer than this on average were not written by people


def _identity(raw: RawFrame, images: Images) -> bytes:
    return b"".join(
        (
            texts(raw, "context_line", "filename", "function"),
            number(raw, "lineno"),
            texts(raw, "module"),
            surrounding(raw),
        )
    )


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown["in_app"] = raw["in_app"] and not _is_dependency(raw["filename"])
    context = source_context(raw)
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "module" in raw:
        shown["module"] = raw["module"]
    chunk_id = raw.get("chunk_id")
    refs = () if chunk_id is None else (chunk_id,)
    if chunk_id is None or "lineno" not in raw or "colno" not in raw:
        shown["source"] = raw["filename"]
        shown["resolved_name"] = raw["function"]
        return [Frame(id_, 0, shown, context, True, refs)]
    # A bundle whose map is missing. Its name is that of the build, so no source is claimed; whether the rest
    # can be read is judged by the lines around it. Both as PostHog's server does: they decide the
    # fingerprint.
    readable = not _looks_minified(context)
    shown.update({"column": raw["colno"], "resolved": readable, "resolve_failure": javascript.not_uploaded(chunk_id)})
    shown["junk_drawer"] = junk(raw)
    if readable:
        shown["resolved_name"] = raw["function"]
    return [Frame(id_, 0, shown, context, readable, refs)]


def _is_dependency(filename: str) -> bool:
    return "node_modules" in filename or filename.startswith("node:")


def _looks_minified(context: Context | None) -> bool:
    if context is None:
        return False
    lines = [entry["line"] for entry in (*context["before"], *context["after"])]
    return sum(len(line.encode()) for line in lines) > MINIFIED_LINE * len(lines)


PLATFORM = Platform(
    tags=("node:javascript",),
    fields=(
        required("filename"),
        required("function"),
        optional("lineno", Kind.NUMBER),
        optional("colno", Kind.NUMBER),
        optional("module"),
        *SOURCE_CONTEXT,
        CHUNK_ID,
    ),
    identity=_identity,
    resolve=_resolve,
)
