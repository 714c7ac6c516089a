"""Giving set-aside events another try, after whatever was wrong with them or with us has been put right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from environments.ids import uuid7
from environments.tenancy import guard, sql
from errortracking.models import Outcome, QueuedRequest, SetAsideEvent, payload
from errortracking.models.partitions import utc_day
from errortracking.pipeline.batch import EXCEPTION, OutcomeKey
from errortracking.pipeline.count import add_outcomes
from errortracking.pipeline.set_aside import kind

STEP = 100  # events per transaction: each is a request of its own in the queue


def waiting(environment_id: int | None = None) -> QuerySet[SetAsideEvent]:
    """Return the set-aside events of a project, or of all, oldest first."""
    rows = SetAsideEvent.objects.order_by("created_at", "id")
    return rows if environment_id is None else rows.filter(environment_id=environment_id)


def replay(environment_id: int, ids: Collection[UUID] | None = None) -> tuple[int, int]:
    """Put the set-aside events of a project back into the queue; return how many, and how many could not be read.

    ``ids``: only these rows. An event is requeued, taken off the counter of what was set aside, and forgotten by the
    ledger, all in one transaction: so it still ends in exactly one outcome.
    """
    replayed = unreadable = 0
    last: UUID | None = None
    while rows := _next(environment_id, last, ids):
        with transaction.atomic():
            locked = list(waiting(environment_id).select_for_update().filter(id__in=[row.id for row in rows]))
            readable = [row for row in locked if _entries(row)]
            _requeue(environment_id, readable)
            waiting(environment_id).filter(id__in=[row.id for row in readable]).delete()
        replayed += len(readable)
        unreadable += len(locked) - len(readable)
        last = rows[-1].id
    return replayed, unreadable


def delete(environment_id: int, ids: Collection[UUID] | None = None) -> int:
    """Delete a project's set-aside events for good, and return how many; they stay counted as set aside.

    ``ids``: only these rows.
    """
    rows = waiting(environment_id)
    deleted, _ = (rows if ids is None else rows.filter(id__in=ids)).delete()
    return deleted


def projects() -> list[int]:
    """Return the ids of the projects that have set-aside events."""
    with guard.maintenance("set-aside events of all projects"):
        return list(
            SetAsideEvent.objects.order_by("environment_id").values_list("environment_id", flat=True).distinct()
        )


def _next(environment_id: int, after: UUID | None, ids: Collection[UUID] | None) -> Sequence[SetAsideEvent]:
    rows = SetAsideEvent.objects.filter(environment_id=environment_id).order_by("id")
    rows = rows if ids is None else rows.filter(id__in=ids)
    return list((rows.filter(id__gt=after) if after else rows)[:STEP])


def _entries(row: SetAsideEvent) -> list[payload.EventEntry]:
    """Return the events in a row (several, where a whole request was set aside); none where it still cannot be read."""
    try:
        return payload.unpack(row.payload)["events"]
    except ValueError:
        return []


def _requeue(environment_id: int, rows: Iterable[SetAsideEvent]) -> None:
    requests, forgotten, outcomes = [], [], Counter[OutcomeKey]()
    for row in rows:
        entries = _entries(row)
        requests.append(
            QueuedRequest(
                environment_id=environment_id,
                id=uuid7(),
                received_at=row.received_at,
                events=len(entries),
                bytes=len(row.payload),
                payload=row.payload,
            )
        )
        outcomes[utc_day(row.received_at), Outcome.SET_ASIDE, kind(row.reason)] -= len(entries)
        # A request that was set aside as a whole never entered its events into the ledger; whose are there, are
        # others'.
        if entries[0]["event"] == EXCEPTION and entries[0]["uuid"] == str(row.event_uuid):
            forgotten.append(row.event_uuid)
    if requests:
        QueuedRequest.objects.bulk_create(requests)
        add_outcomes(environment_id, outcomes)
        _forget(environment_id, forgotten)


def _forget(environment_id: int, uuids: list[UUID]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_eventledger WHERE environment_id = %s AND uuid = ANY(%b)",
            [environment_id, uuids],
        )
