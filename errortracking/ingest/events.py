"""From raw events of any SDK to entries of the queue (``errortracking.models.payload``)."""

from __future__ import annotations

from typing import Any, Final, cast
from uuid import UUID, uuid5

import orjson

from environments.ids import uuid7
from errortracking.ingest import depth, limits
from errortracking.ingest.refusal import Refused, unparsable
from errortracking.models.payload import EventEntry

# The name space of ids for events whose own id is not one; any constant does, it must only never change.
_NAMESPACE: Final = UUID("5d4f7e0c-6a39-4b52-9d53-0c1c6f0a8e77")

_TOO_DEEP: Final = "Invalid properties on event {uuid}, serde error: Recursion limit exceeded"


def entry(raw: dict[str, Any], token: str, *, deep: bool = False) -> EventEntry:
    """Return the entry for one raw event (v0 shape), which keeps parts of ``raw``.

    ``deep`` says that the request may hold values below the limit of depth; they are cut in place then. Raises
    ``Refused`` (400) where the name, the distinct id or the properties are not usable.
    """
    was_cut = deep and depth.cut(raw, limits.PROPERTY_DEPTH + 1)  # the event itself is a level around its properties
    properties = _properties(raw.get("properties"))
    made: EventEntry = {
        "event": name(raw.get("event")),
        "uuid": event_id(raw, token),
        "distinct_id": distinct_id(raw, properties),
        "timestamp": moment(raw.get("timestamp")),
        "offset": _offset(raw.get("offset")),
        "properties": properties,
    }
    if was_cut:
        made["faults"] = [_TOO_DEEP.format(uuid=made["uuid"])]
    if properties.get("$ignore_sent_at") is True:
        made["keep_timestamp"] = True
    if (persons := raw.get("$set")) and isinstance(persons, dict):
        made["$set"] = persons
    if (persons := raw.get("$set_once")) and isinstance(persons, dict):
        made["$set_once"] = persons
    return made


def name(value: Any) -> str:
    """Return an event's name, cut to its limit. Raises ``Refused`` (400) for none or an empty one."""
    if value is None or value == "":
        raise Refused(400, "event submitted with an empty event name", "event_name")
    if not isinstance(value, str):
        raise unparsable("the event name must be a text")
    return value[: limits.EVENT_NAME]


def distinct_id(raw: dict[str, Any], properties: dict[str, Any]) -> str:
    """Return who an event is about: the first that is not null of three places, as text, cut to its limit.

    Values that are no text become their JSON (keys sorted, as upstream's). Raises ``Refused`` (400) for none.
    """
    value = raw.get("distinct_id")
    if value is None:
        value = raw.get("$distinct_id")
    if value is None:
        value = properties.get("distinct_id")
    if value is None:
        raise Refused(400, "event submitted without a distinct_id", "distinct_id")
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if not text:
        raise Refused(400, "event submitted with an empty distinct_id", "distinct_id")
    return text[: limits.DISTINCT_ID]


def event_id(raw: dict[str, Any], token: str) -> str:
    """Return the canonical text of an event's uuid; of a new one where it has none.

    Upstream answers 400 to a malformed uuid, which is final for SDKs and loses the whole batch. Here such an event
    gets a uuid made from its content, so that a retry of the same request is still recognised; not from the id
    alone, because "undefined" and the nil uuid are what broken clients send with every event. A fresh uuid would be
    as safe but store an event twice when its answer got lost.
    """
    sent = raw.get("uuid")
    if sent is None or sent == "":
        return str(uuid7())
    if isinstance(sent, str):
        try:
            given = UUID(sent.strip())
        except ValueError:
            pass
        else:
            if given.int:
                return str(given)
    content = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS).decode()
    return str(uuid5(_NAMESPACE, f"{token}\n{content}"))


def moment(value: Any) -> str | None:
    """Return a timestamp as text, unparsed (the pipeline reads it), or None for what cannot be one."""
    if isinstance(value, str):
        return value[: limits.MOMENT] or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[: limits.MOMENT]
    return None


def _offset(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _properties(value: Any) -> dict[str, Any]:
    """Return an event's properties. PHP writes an empty object as ``[]``."""
    if isinstance(value, dict):
        return cast(dict[str, Any], value)
    if value is None or value == []:
        return {}
    raise unparsable("properties must be an object")
