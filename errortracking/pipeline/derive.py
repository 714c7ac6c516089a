"""What an event's properties gain from its resolved exceptions: lists to filter and search by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from errortracking.pipeline.exceptions import Json, JsonObject, ParsedException


def outputs(exceptions: Sequence[ParsedException]) -> JsonObject:
    """Return ``$exception_types``, ``_values``, ``_sources``, ``_functions`` (unique, first seen first), ``_handled``.

    Sources and functions are those of in-app frames; handled is what the outermost exception's mechanism says.
    """
    in_app = [frame.contents for exception in exceptions for frame in exception.frames if frame.contents["in_app"]]
    return {
        "$exception_types": _unique(exception.type for exception in exceptions),
        "$exception_values": _unique(exception.value for exception in exceptions),
        "$exception_sources": _unique(frame["source"] for frame in in_app if "source" in frame),
        "$exception_functions": _unique(frame["resolved_name"] for frame in in_app if "resolved_name" in frame),
        "$exception_handled": handled(exceptions),
    }


def handled(exceptions: Sequence[ParsedException]) -> bool:
    """Return whether the outermost exception was handled; not knowing counts as no."""
    mechanism = exceptions[0].mechanism if exceptions else None
    return bool(mechanism and mechanism.get("handled"))


def _unique(values: Iterable[str]) -> list[Json]:
    return list(dict.fromkeys(values))
