"""JavaScript frames of Node.js: complete as sent, unless a chunk id says that an uploaded map is to be asked."""

from __future__ import annotations

from errortracking.pipeline.clean import cut
from errortracking.pipeline.exceptions import Contents, Context, Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    MAX_TEXT,
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
from errortracking.pipeline.frames.symbolic import reference
from errortracking.symbols import lookups
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Original, Wish

SHOWN_LINE = 140  # characters that posthog-node sends of a long line
MINIFIED_LINE = 300  # bytes: lines that are longer than this on average were not written by people


def _identity(raw: RawFrame, images: Images) -> bytes:
    return b"".join(
        (
            texts(raw, "context_line", "filename", "function"),
            number(raw, "lineno"),
            texts(raw, "module"),
            surrounding(raw),
            _beyond_sight(raw),
        )
    )


def _beyond_sight(raw: RawFrame) -> bytes:
    """Return the column of a place in a bundle that the shown part of its line does not reach, otherwise nothing.

    PostHog's own rule has no column. In a bundle, which is one line, all places of a function would be one frame, and
    the original line of one of them would be shown for all. Where people could have written the line, the rule stays.
    """
    is_cut = len(raw.get("context_line", "." * SHOWN_LINE)) >= SHOWN_LINE
    return number(raw, "colno") if _wants(raw) and is_cut and raw["colno"] > SHOWN_LINE else b""


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    if _wants(raw) is not None:
        return [_failed(raw, id_, javascript.not_uploaded(raw["chunk_id"]))]
    shown, context = _shown(raw, id_)
    shown["source"] = raw["filename"]
    shown["resolved_name"] = raw["function"]
    return [Frame(id_, 0, shown, context, True, (reference(raw["chunk_id"]),) if "chunk_id" in raw else ())]


def _shown(raw: RawFrame, id_: str) -> tuple[Contents, Context | None]:
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown["in_app"] = _is_in_app(raw)
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "module" in raw:
        shown["module"] = raw["module"]
    return shown, source_context(raw)


def _is_in_app(raw: RawFrame) -> bool:
    return raw["in_app"] and not _is_dependency(raw["filename"])


def _failed(raw: RawFrame, id_: str, failure: Failure) -> Frame:
    """Return the frame of a bundle whose map is missing.

    Its name is that of the build, so no source is claimed; whether the rest can be read is judged by the lines
    around it. Both as PostHog's server does: they decide the fingerprint.
    """
    shown, context = _shown(raw, id_)
    readable = not _looks_minified(context)
    shown.update({"column": raw["colno"], "resolved": readable, "resolve_failure": failure.text})
    shown["junk_drawer"] = junk(raw)
    if readable:
        shown["resolved_name"] = raw["function"]
    ref = reference(raw["chunk_id"])
    return Frame(id_, 0, shown, context, readable, (ref,), missing_ref=ref, platform=raw["platform"])


def _wants(raw: RawFrame) -> Wish | None:
    if "chunk_id" not in raw or "lineno" not in raw or "colno" not in raw:
        return None
    position = lookups.Position(lookups.Kind.JAVASCRIPT, raw["lineno"], raw["colno"], cut(raw["function"], MAX_TEXT))
    return Wish((reference(raw["chunk_id"]),), position)


def _symbolicated(raw: RawFrame, id_: str, answer: Answer) -> list[Frame]:
    if isinstance(answer, Failure):
        return [_failed(raw, id_, answer)]
    return [_original(raw, id_, part, place) for part, place in enumerate(answer)]


def _original(raw: RawFrame, id_: str, part: int, place: Original) -> Frame:
    frame = javascript.original(raw, id_, part, place, in_app=True)
    # Lowered only: what the SDK said is not its own is no part of the program, wherever it was bundled from.
    dependency = place.source is not None and _is_dependency(place.source)
    frame.contents["in_app"] = _is_in_app(raw) and not dependency
    if "module" in raw:
        frame.contents["module"] = raw["module"]
    return frame


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
    asks=("chunk_id", "chunkId"),
    wants=_wants,
    symbolicated=_symbolicated,
)
