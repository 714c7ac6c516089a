"""Go frames: complete as sent, without source lines."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import Images, Kind, Platform, contents, number, required, texts


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "filename", "function") + number(raw, "lineno")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    shown = contents(raw, id_, "go", raw["function"])
    shown.update({"line": raw["lineno"], "source": raw["filename"], "resolved_name": raw["function"]})
    return [Frame(id_, 0, shown, None, True)]


PLATFORM = Platform(
    tags=("go",),
    fields=(required("filename"), required("function"), required("lineno", Kind.NUMBER)),
    identity=_identity,
    resolve=_resolve,
)
