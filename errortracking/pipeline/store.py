"""Stage: exceptions become event rows."""

from __future__ import annotations

from typing import Any, cast

from environments.tenancy import sql
from errortracking.models import Outcome, event_payload
from errortracking.models.event_payload import StoredEvent, StoredException, StoredFrame
from errortracking.pipeline import derive
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.exceptions import Frame, JsonObject, ParsedException

_INSERT = """
    INSERT INTO errortracking_event
        (environment_id, id, received_at, timestamp, fingerprint_id, distinct_id, sdk, sdk_version,
         release_id, payload)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(received)b::timestamptz[], %(timestamps)b::timestamptz[], %(fingerprints)b::uuid[],
                %(distinct_ids)b::text[], %(sdks)b::text[], %(sdk_versions)b::text[], %(releases)b::uuid[],
                %(payloads)b::bytea[])
        AS new(id, received_at, timestamp, fingerprint_id, distinct_id, sdk, sdk_version, release_id, payload)
"""


def store_events(batch: Batch) -> None:
    """Insert a row for each live exception, which ends its way."""
    if not batch.live:
        return
    rows = batch.live
    parameters = {
        "environment": batch.environment_id,
        "ids": [event.uuid for event in rows],
        "received": [event.received_at for event in rows],
        "timestamps": [event.timestamp for event in rows],
        "fingerprints": [event.fingerprint_id for event in rows],
        "distinct_ids": [event.entry["distinct_id"] for event in rows],
        "sdks": [event.parsed.lib or "" for event in rows],
        "sdk_versions": [event.parsed.lib_version or "" for event in rows],
        "releases": [event.release_id for event in rows],
        "payloads": [event_payload.pack(stored(batch, event)) for event in rows],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
    batch.end(rows, Outcome.STORED)


def stored(batch: Batch, event: Accepted) -> StoredEvent:
    """Return what the event's row holds: its own, with its frames by their ids."""
    result: StoredEvent = {
        "v": event_payload.VERSION,
        "exceptions": [_exception(batch, exception) for exception in event.parsed.exceptions],
        "properties": _properties(event),
    }
    if ip := event.request["ip"]:
        result["ip"] = ip
    if user_agent := event.request["user_agent"]:
        result["user_agent"] = user_agent
    return result


def _properties(event: Accepted) -> JsonObject:
    """Return the event's properties (`parse` threw reserved names away), with what was derived and what was wrong."""
    properties = event.parsed.properties
    if event.parsed.exceptions:
        properties = properties | derive.outputs(event.parsed.exceptions)
    if event.fingerprint and event.fingerprint.version:
        # The event's own: its fingerprint's row knows how that came to be, not that this event met it in legacy order.
        properties = properties | {"$exception_fingerprint_version": event.fingerprint.version}
    errors = [*event.entry.get("faults", ()), *event.parsed.errors]
    if errors:
        properties = properties | {"$cymbal_errors": cast(Any, errors)}
    for key in ("$set", "$set_once"):
        if key in event.entry and key not in properties:
            properties = properties | {key: cast(JsonObject, event.entry)[key]}
    return properties


def _exception(batch: Batch, exception: ParsedException) -> StoredException:
    result: StoredException = {
        "id": exception.id,
        "type": exception.type,
        "value": exception.value,
        "frames": [_frame(batch, frame) for frame in exception.frames],
    }
    if exception.mechanism is not None:
        result["mechanism"] = exception.mechanism
    if exception.module is not None:
        result["module"] = exception.module
    if exception.thread_id is not None:
        result["thread_id"] = exception.thread_id
    if exception.stack is not None:
        result["stack"] = exception.stack
    return result


def _frame(batch: Batch, frame: Frame) -> StoredFrame:
    reference = batch.frames[frame.raw_id, frame.part]
    result: StoredFrame = {"frame": str(reference.frame_id), "content": str(reference.content_id)}
    if frame.code_variables is not None:
        result["code_variables"] = frame.code_variables
    return result
