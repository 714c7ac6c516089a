"""Stage one: an event's properties as they came → ``ParsedEvent``; never an exception, whatever was sent.

An event whose exceptions cannot be read is kept, with what was sent and the reason in ``errors``: what was
acknowledged is never lost, and its sender can see what was wrong.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from environments.ids import uuid7
from errortracking.pipeline import frames, order
from errortracking.pipeline.clean import Cleaner, cut
from errortracking.pipeline.exceptions import Json, JsonObject, ParsedEvent, ParsedException
from errortracking.pipeline.frames import resolved
from errortracking.pipeline.frames.base import MAX_TEXT, Malformed, described
from errortracking.pipeline.frames.native import address
from errortracking.pipeline.images import DebugImage, DebugImages

MAX_EXCEPTIONS = 50  # per event; chains are a handful long, more is a program that wraps in a loop
MAX_FRAMES = 1000  # per exception; Python's own limit of recursion. A row each: an event must not fill a table
MAX_VALUE = 10_000  # bytes of a message
MAX_TYPE = 255  # bytes; a type is a class name
MAX_ISSUE_TEXT = 255  # bytes of $issue_name and $issue_description, as of the issue's own columns
MAX_LIB = 200  # bytes of $lib and $lib_version, that are compared and shown

# What this server answers with; a client's own word on these is thrown away.
RESERVED = frozenset(
    {
        "$exception_sources",
        "$exception_types",
        "$exception_values",
        "$exception_functions",
        "$exception_handled",
        "$exception_release",
        "$exception_fingerprint_version",
        "$exception_proposed_fingerprint",
        "$exception_fingerprint_record",
        "$exception_issue_id",
        "$cymbal_errors",
    }
)
_LIST = "$exception_list"
_INT64 = 2**63
_T = TypeVar("_T")


def parse(uuid: UUID, properties: object, at: datetime) -> ParsedEvent:
    """Clean, check, cut and order the properties of one ``$exception`` event; ``at`` dates the ids made here."""
    event = ParsedEvent(uuid, [], {})
    if not isinstance(properties, dict):
        shown = properties if isinstance(properties, list) else Cleaner().clean(properties)
        event.errors.append(_invalid(uuid, f"invalid type: {described(shown)}, expected a map"))
        return event
    too_deep = _take_properties(event, properties)
    exceptions = Cleaner(exceptions=True)
    sent = exceptions.clean(properties.get(_LIST))
    try:
        if too_deep or exceptions.too_deep:
            event.errors.append(_invalid(uuid, "Recursion limit exceeded"))
        if not exceptions.too_deep:
            _take_texts(event)
            _take_exceptions(event, sent, at)
    except Malformed as malformed:
        event.exceptions = []
        event.errors.append(_invalid(uuid, str(malformed)))
    if not event.exceptions and _LIST in properties:
        event.properties[_LIST] = sent
    return event


def _invalid(uuid: UUID, reason: str) -> str:
    return f"Invalid properties on event {uuid}, serde error: {reason}"


def _take_properties(event: ParsedEvent, properties: JsonObject) -> bool:
    """Fill what does not depend on the exceptions; return whether something was nested too deep."""
    cleaner = Cleaner()
    kept = {key: value for key, value in properties.items() if key != _LIST and key not in RESERVED}
    event.properties = cast(JsonObject, cleaner.clean(kept, depth=-1))
    event.lib = _text(event.properties.get("$lib"))
    event.lib_version = _text(event.properties.get("$lib_version"))
    event.debug_images = _debug_images(event.properties.get("$debug_images"))
    return cleaner.too_deep


def _text(value: Json) -> str | None:
    return cut(value, MAX_LIB) if isinstance(value, str) else None


def _debug_images(sent: Json) -> DebugImages:
    """Read ``$debug_images``. A malformed one is passed over: without it the stack can still be read."""
    images = []
    for image in sent if isinstance(sent, list) else []:
        if not isinstance(image, dict):
            continue
        debug_id, at, size = image.get("debug_id"), address(image.get("image_addr")), image.get("image_size")
        if isinstance(debug_id, str) and at is not None:
            images.append(DebugImage(cut(debug_id, MAX_TEXT), at, size if type(size) is int else None))
    return DebugImages(images)


def _take_texts(event: ParsedEvent) -> None:
    """Take the client's fingerprint, and the name and description for an issue (cut, and so kept in the properties)."""
    event.fingerprint = _optional_text(event.properties, "$exception_fingerprint")
    event.properties.pop("$exception_fingerprint", None)
    for key in ("$issue_name", "$issue_description"):
        value = _optional_text(event.properties, key)
        if value is not None:
            event.properties[key] = cut(value, MAX_ISSUE_TEXT)
    event.issue_name = _optional_text(event.properties, "$issue_name")
    event.issue_description = _optional_text(event.properties, "$issue_description")


def _optional_text(sent: JsonObject, key: str) -> str | None:
    value = sent.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Malformed(f"invalid type: {described(value)}, expected a string for `{key}`")


def _take_exceptions(event: ParsedEvent, sent: Json, at: datetime) -> None:
    if sent is None:
        raise Malformed(f"missing field `{_LIST}`")
    if not isinstance(sent, list):
        raise Malformed(f"invalid type: {described(sent)}, expected a sequence for `{_LIST}`")
    if not sent:
        event.errors.append(f"Empty exception list on event {event.uuid}")
    kept = _ends(sent, MAX_EXCEPTIONS)
    if kept is not sent:
        event.errors.append(f"Exception list cut on event {event.uuid}: {len(kept)} of {len(sent)} kept")
    for index, entry in enumerate(kept):
        try:
            event.exceptions.append(_exception(event, entry, at))
        except Malformed as malformed:
            raise Malformed(f"{malformed} at {_LIST}[{index}]") from None
    order.canonical(event.exceptions, event.lib, event.lib_version)


def _exception(event: ParsedEvent, sent: Json, at: datetime) -> ParsedException:
    if not isinstance(sent, dict):
        raise Malformed(f"invalid type: {described(sent)}, expected a map")
    type_ = _optional_text(sent, "type")
    if type_ is None:
        raise Malformed("missing field `type`")
    module = _optional_text(sent, "module")
    exception = ParsedException(
        id=str(uuid7(at)),
        type=cut(type_, MAX_TYPE),
        value=cut(_optional_text(sent, "value") or "", MAX_VALUE),
        mechanism=_mechanism(sent.get("mechanism")),
        module=None if module is None else cut(module, MAX_TEXT),
        thread_id=_thread_id(sent.get("thread_id")),
    )
    _take_stack(event, exception, sent.get("stacktrace"))
    return exception


def _mechanism(sent: Json) -> JsonObject | None:
    """Check the four keys that are understood; others are kept as they are."""
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise Malformed(f"invalid type: {described(sent)}, expected a map for `mechanism`")
    for key in ("type", "source"):
        _optional_text(sent, key)
    for key in ("handled", "synthetic"):
        if not (sent.get(key) is None or isinstance(sent[key], bool)):
            raise Malformed(f"invalid type: {described(sent[key])}, expected a boolean for `{key}`")
    return sent


def _thread_id(sent: Json) -> int | None:
    # 64 bits: Python's thread ids are addresses and do not fit the 32 that suffice elsewhere.
    if sent is None or (type(sent) is int and -_INT64 <= sent < _INT64):
        return sent
    raise Malformed(f"invalid type: {described(sent)}, expected i64 for `thread_id`")


def _take_stack(event: ParsedEvent, exception: ParsedException, sent: Json) -> None:
    if sent is None:
        return
    if not isinstance(sent, dict):
        raise Malformed(f"invalid type: {described(sent)}, expected a map for `stacktrace`")
    kind, entries = sent.get("type"), sent.get("frames")
    if kind is None or entries is None:
        raise Malformed(f"missing field `{'type' if kind is None else 'frames'}` in `stacktrace`")
    if not isinstance(entries, list):
        raise Malformed(f"invalid type: {described(entries)}, expected a sequence for `frames`")
    kept = _ends(entries, MAX_FRAMES)
    if kept is not entries:
        event.errors.append(f"Stack trace cut on event {event.uuid}: {len(kept)} of {len(entries)} frames kept")
    if kind == "raw":
        exception.stack = "raw"
        exception.raw_frames = [frames.read(entry) for entry in kept]
    elif kind == "resolved":
        exception.stack = "resolved"
        exception.frames = [resolved.read(entry) for entry in kept]
    else:
        raise Malformed(f"unknown variant {described(kind)}, expected `raw` or `resolved` for `stacktrace`")


def _ends(items: list[_T], limit: int) -> list[_T]:
    """Return both ends of a list that is too long: a stack's entry and crash, a chain's outermost and root."""
    if len(items) <= limit:
        return items
    half = limit // 2
    return items[: limit - half] + items[-half:]
