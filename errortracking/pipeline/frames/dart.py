"""Dart frames: taken as sent. What was built with obfuscation cannot be told from what was not."""

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


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "filename", "package", "function") + number(raw, "lineno") + number(raw, "colno")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    name = raw.get("function", "")
    shown = contents(raw, id_, "dart", name)
    shown.update({"source": raw["abs_path"], "resolved_name": name, "junk_drawer": junk(raw)})
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "colno" in raw:
        shown["column"] = raw["colno"]
    return [Frame(id_, 0, shown, None, True)]


PLATFORM = Platform(
    tags=("dart",),
    fields=(
        optional("filename"),
        optional("function"),
        required("abs_path"),
        optional("package"),
        optional("lineno", Kind.NUMBER),
        optional("colno", Kind.NUMBER),
    ),
    identity=_identity,
    resolve=_resolve,
)
