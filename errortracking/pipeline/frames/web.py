"""JavaScript frames of browsers, from what the SDK sent: no map is fetched or looked up here.

Without a location there is nothing to look up (native code, mostly): the frame is what it says. With one it
could be minified, so as long as no map was found it has failed, with two exceptions: what cannot be looked up
at all is taken for readable, and so is a script without a map whose column is no further right than people
write.
"""

from __future__ import annotations

from collections.abc import Mapping

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    Images,
    Kind,
    Platform,
    contents,
    is_uint32,
    junk,
    optional,
    required,
)

READABLE_COLUMN = 300  # people rarely write longer lines; minifiers write hardly anything else


def _both_or_none(sent: Mapping[str, object]) -> Mapping[str, object]:
    """Drop a location that is not whole: half of one is as good as none, and no reason to refuse the event."""
    if is_uint32(sent.get("lineno")) and is_uint32(sent.get("colno")):
        return sent
    return {key: value for key, value in sent.items() if key not in ("lineno", "colno")}


def _identity(raw: RawFrame, images: Images) -> bytes:
    location = f"{raw['lineno']}{raw['colno']}" if "lineno" in raw else ""
    return f"{raw['function']}{location}{raw.get('filename', '')}".encode()


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    script = javascript.script_url(raw.get("filename"))
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown["junk_drawer"] = junk(raw)
    if script is not None:
        shown["source"] = script[1]
    if "lineno" not in raw:
        shown["resolved_name"] = raw["function"]
        shown["in_app"] = raw["in_app"] and raw.get("filename") != "<anonymous>"
        return [Frame(id_, 0, shown, None, True)]
    chunk_id = raw.get("chunk_id")
    failure, readable = _failure(chunk_id, script[0] if script else None, raw["colno"])
    shown.update({"line": raw["lineno"], "column": raw["colno"], "resolved": readable, "resolve_failure": failure})
    if readable:
        shown["resolved_name"] = raw["function"]
    refs = (chunk_id, script and javascript.reference(script[0]))
    return [Frame(id_, 0, shown, None, readable, tuple(ref for ref in refs if ref))]


def _failure(chunk_id: str | None, url: str | None, column: int) -> tuple[str, bool]:
    """Return why a located frame is not resolved, and whether it is taken for readable all the same."""
    if chunk_id is not None:
        return javascript.not_uploaded(chunk_id), False
    if url is not None:
        return javascript.no_sourcemap(url), column <= READABLE_COLUMN
    return javascript.NO_URL_OR_CHUNK_ID, True


PLATFORM = Platform(
    tags=("web:javascript", "javascript"),  # the second is what early versions sent
    fields=(
        optional("filename"),
        required("function"),
        optional("lineno", Kind.NUMBER),
        optional("colno", Kind.NUMBER),
        CHUNK_ID,
    ),
    identity=_identity,
    resolve=_resolve,
    repair=_both_or_none,
)
