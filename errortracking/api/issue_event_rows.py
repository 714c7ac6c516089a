"""Events of an issue as the API shows them, put together from what is stored; `issue_event_fields` describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from errortracking.models import event_payload
from errortracking.models.event_payload import StoredEvent, StoredException
from errortracking.occurrences import frames as shared
from errortracking.occurrences.events import Row
from errortracking.occurrences.frames import FrameThen, Key
from errortracking.occurrences.grouping import explain

BUDGET: Final = 16 * 1024 * 1024
"""Bytes of the events of one page, as JSON. A hundred usual ones have 3 MB; a single one may have 25."""
BUDGET_OF_ONE: Final = 64 * 1024 * 1024
"""Bytes of an event that is asked for alone: more than the 25 MB of a request usually become."""
_UNREADABLE: Final = "This version of the server cannot read what is stored of the event."

_Frames = Mapping[Key, FrameThen]


def shown(environment_id: int, rows: Sequence[Row], budget: int) -> list[dict[str, Any]]:
    """Return the events as the API shows them, with one statement for the frames of all of them.

    What would exceed ``budget`` bytes is left out: such an event is ``truncated``, without exceptions and properties.
    """
    events, left = _unpacked(rows, budget)
    wanted = shared.keys(exception for event in events if event for exception in event["exceptions"])
    frames = shared.read(environment_id, wanted, left, parsed=False)
    records: dict[str, Any] = {}
    found = []
    for row, event in zip(rows, events, strict=True):
        size = _size(event, frames) if event else None
        fits = size is not None and size <= left
        left -= size if size is not None and fits else 0
        if row.record not in records:
            records[row.record] = orjson.loads(row.record)
        found.append(_event(row, event if fits else None, frames, records[row.record]))
    return found


def _unpacked(rows: Sequence[Row], budget: int) -> tuple[list[StoredEvent | None], int]:
    """Return the stored events, ``None`` for those that do not fit into ``budget``, and what is left of it."""
    found: list[StoredEvent | None] = []
    for row in rows:
        size = budget + 1 if row.payload is None else event_payload.unpacked_size(row.payload)
        found.append(_unpack(row.payload) if row.payload is not None and size <= budget else None)
        budget -= size if found[-1] else 0
    return found, budget


def _unpack(payload: bytes) -> StoredEvent:
    try:
        return event_payload.unpack(payload)
    except ValueError:
        return {"v": 0, "exceptions": [], "properties": {"$cymbal_errors": [_UNREADABLE]}}


def _size(event: StoredEvent, frames: _Frames) -> int | None:
    """Return the bytes of all frames of ``event``, written out; ``None`` where one of them was too large to be read."""
    size = 0
    for exception in event["exceptions"]:
        for frame in exception["frames"]:
            then = frames[frame["frame"], frame["content"]]
            if then.contents is None:
                return None
            size += then.size
    return size


def _event(row: Row, event: StoredEvent | None, frames: _Frames, record: Any) -> dict[str, Any]:
    own: Mapping[str, Any] = event or {}
    exceptions: list[StoredException] = own.get("exceptions", [])
    shown_exceptions = [_exception(exception, frames) for exception in exceptions]
    raw_ids = [[frame["raw_id"] for frame in exception["frames"]] for exception in shown_exceptions]
    return {
        "uuid": row.id,
        "timestamp": row.timestamp,
        "received_at": row.received_at,
        "distinct_id": row.distinct_id,
        "sdk": row.sdk,
        "sdk_version": row.sdk_version,
        "ip": own.get("ip"),
        "user_agent": own.get("user_agent"),
        "release": _release(own.get("properties", {})),
        "exceptions": shown_exceptions,
        "properties": own.get("properties", {}),
        "grouping": {
            "fingerprint_id": row.fingerprint_id,
            "fingerprint": row.fingerprint,
            "kind": row.kind,
            "record": explain(record, row.kind, exceptions, raw_ids),
        },
        "truncated": event is None,
    }


def _exception(exception: StoredException, frames: _Frames) -> dict[str, Any]:
    return {
        "id": exception["id"],
        "type": exception["type"],
        "value": exception["value"],
        "module": exception.get("module"),
        "thread_id": exception.get("thread_id"),
        "mechanism": exception.get("mechanism"),
        "frames": [
            _frame(frame["frame"], frames[frame["frame"], frame["content"]], frame.get("code_variables"))
            for frame in exception["frames"]
        ],
    }


def _frame(id_: str, then: FrameThen, variables: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "raw_id": then.raw_id,
        "resolved": then.resolved,
        "resolved_later": then.resolved_later,
        "contents": then.contents,
        "context": then.context,
        "code_variables": variables,
    }


def _release(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the pipeline wrote of the event's release; a client's own property of this name was thrown away."""
    release = properties.get("$exception_release")
    if not isinstance(release, Mapping):
        return None
    metadata = release.get("metadata")
    return {
        **{name: str(release.get(name, "")) for name in ("project", "version", "timestamp")},
        "metadata": metadata if isinstance(metadata, Mapping) else None,
    }
