"""JavaScript frames of browsers. No map is fetched or looked up here: others do, and bring the answer.

Without a location there is nothing to look up (native code, mostly): the frame is what it says. With one it
could be minified, so as long as no map was found it has failed, with two exceptions: what cannot be looked up
at all is taken for readable, and so is a script without a map whose column is no further right than people
write.
"""

from __future__ import annotations

from collections.abc import Mapping

from errortracking.pipeline.clean import cut
from errortracking.pipeline.exceptions import Contents, Frame, RawFrame
from errortracking.pipeline.frames import javascript
from errortracking.pipeline.frames.base import (
    CHUNK_ID,
    MAX_TEXT,
    Images,
    Kind,
    Platform,
    contents,
    is_uint32,
    junk,
    optional,
    required,
)
from errortracking.pipeline.frames.symbolic import MAX_REF, reference
from errortracking.symbols import lookups
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Wish

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
    if "lineno" in raw:
        return [_failed(raw, id_, _nothing_known(raw))]
    shown = _shown(raw, id_)
    shown["resolved_name"] = raw["function"]
    shown["in_app"] = raw["in_app"] and raw.get("filename") != javascript.ANONYMOUS
    return [Frame(id_, 0, shown, None, True)]


def _shown(raw: RawFrame, id_: str) -> Contents:
    shown = contents(raw, id_, javascript.LANG, raw["function"])
    shown["junk_drawer"] = junk(raw)
    script = javascript.script_url(raw.get("filename"))
    if script is not None:
        shown["source"] = script[1]
    return shown


def _nothing_known(raw: RawFrame) -> Failure:
    """Return why a located frame is not resolved, as long as nobody has asked for its map."""
    if "chunk_id" in raw:
        return javascript.not_uploaded(raw["chunk_id"])
    script = javascript.script_url(raw.get("filename"))
    return javascript.no_sourcemap(script[0]) if script else javascript.NO_URL_OR_CHUNK_ID


def _failed(raw: RawFrame, id_: str, failure: Failure) -> Frame:
    readable = _is_readable(failure, raw["colno"])
    shown = _shown(raw, id_)
    shown.update({"line": raw["lineno"], "column": raw["colno"], "resolved": readable, "resolve_failure": failure.text})
    if readable:
        shown["resolved_name"] = raw["function"]
    refs = _refs(raw, javascript.script_url(raw.get("filename")))
    return Frame(id_, 0, shown, None, readable, refs, missing_ref=next(iter(refs), None), platform=raw["platform"])


def _is_readable(failure: Failure, column: int) -> bool:
    """Tell whether the frame is taken for readable although it failed."""
    if failure.name == "NoSourcemap":
        return column <= READABLE_COLUMN
    return failure.name in ("NoUrlOrChunkId", "NoSourceUrl")


def _refs(raw: RawFrame, script: tuple[str, str] | None) -> tuple[str, ...]:
    """Return the keys of the symbol sets that may know the frame."""
    names = (raw.get("chunk_id"), script and script[0])
    return tuple(reference(name) for name in names if name)


def _wants(raw: RawFrame) -> Wish | None:
    if "lineno" not in raw:
        return None
    script = javascript.script_url(raw.get("filename"))
    refs = _refs(raw, script)
    if not refs:
        return None
    url = script[0] if script and len(script[0].encode()) <= MAX_REF else None  # half a URL cannot be fetched
    position = lookups.Position(lookups.Kind.JAVASCRIPT, raw["lineno"], raw["colno"], cut(raw["function"], MAX_TEXT))
    return Wish(refs, position, url)


def _symbolicated(raw: RawFrame, id_: str, answer: Answer) -> list[Frame]:
    if isinstance(answer, Failure):
        return [_failed(raw, id_, answer)]
    frames = [javascript.original(raw, id_, part, place, in_app=raw["in_app"]) for part, place in enumerate(answer)]
    for frame in frames:  # our own SDK, bundled with the program, is hardly ever what went wrong
        frame.contents["suspicious"] = "posthog-js@" in frame.contents.get("source", "")
    return frames


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
    asks=("chunk_id", "chunkId", "filename"),
    wants=_wants,
    symbolicated=_symbolicated,
)
