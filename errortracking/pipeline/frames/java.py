"""Java and Kotlin frames: names may be obfuscated, so without a mapping none counts as resolved."""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames import symbolic
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
from errortracking.pipeline.frames.symbolic import reference
from errortracking.symbols import lookups
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Original, Wish

LANG = "java"
NO_MAP_ID = Failure("Proguard", "NoMapId")


def _identity(raw: RawFrame, images: Images) -> bytes:
    return texts(raw, "filename", "function") + number(raw, "lineno", width=8) + texts(raw, "module")


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    if "map_id" not in raw:
        return [_failed(raw, id_, NO_MAP_ID)]
    return [_failed(raw, id_, Failure("Proguard", "MissingMap", (raw["map_id"],)))]


def _failed(raw: RawFrame, id_: str, failure: Failure) -> Frame:
    shown = contents(raw, id_, LANG, raw["function"])
    shown.update({"module": raw["module"], "resolved": False, "junk_drawer": junk(raw)})
    shown["resolve_failure"] = failure.text
    if "filename" in raw:
        shown["source"] = raw["filename"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    ref = reference(raw["map_id"]) if "map_id" in raw else None
    return Frame(id_, 0, shown, None, False, (ref,) if ref else (), missing_ref=ref, platform=raw["platform"])


def _wants(raw: RawFrame) -> Wish | None:
    if "map_id" not in raw:
        return None
    line = raw.get("lineno", 0)
    position = lookups.Position(lookups.Kind.PROGUARD, line, function=raw["function"], module=raw["module"])
    return Wish((reference(raw["map_id"]),), position)


def _symbolicated(raw: RawFrame, id_: str, answer: Answer) -> list[Frame]:
    if isinstance(answer, Failure):
        return [_failed(raw, id_, answer)]
    return [_original(raw, id_, part, place) for part, place in enumerate(answer)]


def _original(raw: RawFrame, id_: str, part: int, place: Original) -> Frame:
    shown = contents(raw, id_, LANG, raw["function"], part=part)
    shown["module"] = raw["module"]
    symbolic.show(shown, place)
    shown["in_app"] = raw["in_app"] or _is_of_application(raw, shown["module"])
    shown["junk_drawer"] = junk(raw)
    return Frame(id_, part, shown, symbolic.context(place), True)


def _is_of_application(raw: RawFrame, module: str) -> bool:
    """Tell whether a class lies in the package that the map's id begins with (``com.example.app@1.2+3``).

    SDKs judge by the names that the obfuscator left, and then nothing is the application's own. What they say is its
    own stays so.
    """
    package, at, _ = raw.get("map_id", "").partition("@")
    return bool(package and at) and (module == package or module.startswith(f"{package}."))


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
    asks=("map_id",),
    wants=_wants,
    symbolicated=_symbolicated,
)
