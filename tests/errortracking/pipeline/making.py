"""What the tests of the pipeline's stages are made of: events as SDKs send them, queued requests, a worker's turns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

from environments.ids import uuid7
from environments.models import Organization, Project
from errortracking.models import Event, OutcomeCount, QueuedRequest, event_payload, payload
from errortracking.models.event_payload import StoredEvent
from errortracking.pipeline import lease
from errortracking.pipeline.batch import Batch, accepted
from errortracking.pipeline.worker import take_turn

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_numbers = count(1)


def uuid(number: int) -> str:
    """Return the text of a uuid that shows its number."""
    return str(UUID(int=0x0190F5A0_0000_7000_8000_000000000000 + number))


def make_project(name: str = "shop") -> Project:
    """Return a new project in an organization of its own."""
    return Project.objects.create(organization=Organization.objects.create(name="Acme"), name=name)


def frame(function: str = "pay", **changes: Any) -> dict[str, Any]:
    """Return a python frame as its SDK sends it; a change to ``...`` leaves the field out."""
    sent = {
        "platform": "python",
        "filename": "shop/cart.py",
        "abs_path": "/srv/shop/cart.py",
        "function": function,
        "module": "shop.cart",
        "lineno": 7,
        "pre_context": ["def pay(cart):"],
        "context_line": "    charge(cart)",
        "post_context": ["    return"],
        "in_app": True,
        **changes,
    }
    return {key: value for key, value in sent.items() if value is not ...}


def exception(
    type_: str = "ValueError", value: str = "no stock", frames: Sequence[dict[str, Any]] | None = None, **changes: Any
) -> dict[str, Any]:
    """Return one entry of ``$exception_list``, with one frame unless told otherwise (an empty list: no stack)."""
    sent: dict[str, Any] = {"type": type_, "value": value, **changes}
    if frames is None:
        frames = [frame()]
    if frames:
        sent["stacktrace"] = {"type": "raw", "frames": list(frames)}
    return sent


def entry(*exceptions: dict[str, Any], properties: dict[str, Any] | None = None, **changes: Any) -> payload.EventEntry:
    """Return one event of a request: an ``$exception`` with a uuid of its own."""
    sent = {
        "event": "$exception",
        "uuid": uuid(next(_numbers)),
        "distinct_id": "user-1",
        "timestamp": NOON.isoformat(),
        "offset": None,
        "properties": {
            "$lib": "posthog-python",
            "$lib_version": "7.91.1",
            "$exception_list": list(exceptions) or [exception()],
            **(properties or {}),
        },
        **changes,
    }
    return cast(payload.EventEntry, sent)


def other(name: str = "$pageview", lib: str = "web", version: str = "1.0.0", **changes: Any) -> payload.EventEntry:
    """Return an event that is no exception."""
    return entry(**{"event": name, **changes}) | {"properties": {"$lib": lib, "$lib_version": version}}


def request(*entries: payload.EventEntry, received_at: datetime = NOON, **changes: Any) -> payload.Payload:
    """Return the payload of one request."""
    content = {
        "v": payload.VERSION,
        "events": list(entries),
        "sent_at": None,
        "received_at": received_at.isoformat(),
        "ip": None,
        "user_agent": None,
        **changes,
    }
    return cast(payload.Payload, content)


def queue(
    project: Project, *entries: payload.EventEntry, received_at: datetime = NOON, **columns: Any
) -> QueuedRequest:
    """Put one request into the queue, as ingest does, and return its row."""
    packed = columns.pop("payload", None) or payload.pack(request(*entries, received_at=received_at))
    return QueuedRequest.objects.create(
        environment_id=project.id,
        id=uuid7(received_at + timedelta(milliseconds=next(_numbers))),
        received_at=received_at,
        events=columns.pop("events", len(entries)),
        bytes=len(packed),
        payload=packed,
        **columns,
    )


def batch(project: Project, *entries: payload.EventEntry, now: datetime = NOON, received_at: datetime = NOON) -> Batch:
    """Return the batch of one request, as the first stage gets it."""
    return Batch(project.id, accepted(request(*entries, received_at=received_at), received_at), now)


def turn(project: Project) -> bool:
    """Let a worker take one turn at the project; return whether there was anything to take."""
    with lease.hold(project.id) as held:
        assert held
        return take_turn(project.id, threading.Event())


def send(project: Project, *entries: payload.EventEntry, received_at: datetime = NOON) -> None:
    """Let the events be accepted in one request and processed."""
    queue(project, *entries, received_at=received_at)
    assert turn(project)


def outcomes(project: Project) -> dict[str, int]:
    """Return the project's outcome counters, summed over days: ``{"stored": 2, "suppressed/issue": 1}``."""
    counts: dict[str, int] = {}
    for row in OutcomeCount.objects.filter(environment_id=project.id):
        key = f"{row.outcome}/{row.reason}" if row.reason else row.outcome
        counts[key] = counts.get(key, 0) + row.count
    return counts


def stored(project: Project, uuid_: str) -> StoredEvent:
    """Return what the row of an event holds."""
    return event_payload.unpack(Event.objects.get(environment_id=project.id, id=uuid_).payload)


def waiting(project: Project) -> int:
    """Return how many rows the project has in the queue."""
    return QueuedRequest.objects.filter(environment_id=project.id).count()
