"""Java and Kotlin frames: names may be obfuscated, so without a mapping none counts as resolved."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import (
    Images,
    Kind,
    Platform,
    contents,
    junk,
    number,
    optional,
    required,
    texts,
)

NO_MAP_ID = "No map ID sent with frame"


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "filename", "function") + number(raw, "lineno", width=8) + texts(raw, "module")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    map_id = raw.get("map_id")
    shown = contents(raw, id_, "java", raw["function"])
    shown.update({"module": raw["module"], "resolved": False, "junk_drawer": junk(raw)})
    shown["resolve_failure"] = NO_MAP_ID if map_id is None else f"No proguard map uploaded for id: {map_id}"
    if "filename" in raw:
        shown["source"] = raw["filename"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    return [Frame(id_, 0, shown, None, False, () if map_id is None else (map_id,))]


PLATFORM = Platform(
    tags=("java",),
    fields=(
        optional("filename"),
        required("function"),
        optional("lineno", Kind.WIDE),
        required("module"),
        optional("map_id"),
        optional("method_synthetic", Kind.FLAG),
    ),
    identity=_identity,
    resolve=_resolve,
)
