"""The one way to tell what has happened: in the transaction of the change.

Nothing is written where no destination of the project wants to hear it. That costs one look-up by an index. Where one
does, the rows of all destinations are one statement, and the jobs that send them are queued in the same transaction.

Storms are bounded here, where the rows would be written: a destination gets as many messages in 60 minutes as its
hourly limit says, tests and digests aside. What comes beyond is counted in one row for each call and destination, with
the first few as samples, and goes as one message some minutes later (`notifications.digests`). Two transactions at once
may both see the last free place; that is a message more, and cheaper than a lock on which the pipeline would wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.db import OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql
from notifications.events import SUMMARY_LENGTH, TITLE_LENGTH, Notice, NoticeEvent
from notifications.matching import Listener

__all__ = ["Notice", "NoticeEvent", "tell", "tell_projects"]

DELIVER_TASK: Final = "notifications.deliver"
DELIVER_QUEUE: Final = "alerts"
"""Of its own: receivers may take ten seconds for each message, and nothing else shall wait for them."""
LASTS: Final = timedelta(days=1)
"""How long a message is tried; later it is no news."""
WINDOW: Final = timedelta(hours=1)
SAMPLES: Final = 10
"""Notices of one call that are kept by name where they are too many to be sent one by one."""


def tell(environment_id: int, notices: Sequence[Notice]) -> None:
    """Tell the destinations of a project. Call it in the transaction of the change; it never waits for a network."""
    tell_projects({environment_id: notices})


def tell_projects(notices: Mapping[int, Sequence[Notice]]) -> None:
    """Tell the destinations of several projects (by id), by as few statements as those of one."""
    told = {environment_id: of_project for environment_id, of_project in notices.items() if of_project}
    if not told:
        return
    now = clock.now()
    rows, more = [], []
    for listener in _listeners(told, now):
        wanted = [notice for notice in told[listener.environment_id] if listener.wants(notice)]
        room = max(0, listener.room)
        single, beyond = wanted[:room], wanted[room:]
        rows += [_Row(listener, notice) for notice in single]
        if beyond:
            more.append((listener, beyond))
    if rows:
        _insert(rows, now)
        defer({(row.listener.environment_id, row.listener.id) for row in rows})
    if more:
        _count(more, now)


class _Row(NamedTuple):
    """A message to be written."""

    listener: Listener
    notice: Notice


# The lock keeps a destination until the rows that refer to it are there. One that somebody is deleting is skipped: to
# wait for its deletion, which may wait for what this transaction has written, would be a deadlock.
_LISTENERS: Final = """
    SELECT d.environment_id, d.id, d.events, d.severities, d.kinds, d.hourly_limit - (
        SELECT count(*) FROM (
            SELECT r.created_at FROM notifications_delivery r
            WHERE r.environment_id = ANY(%(projects)b::int[]) AND r.environment_id = d.environment_id
                AND r.destination_id = d.id AND r.event NOT IN ('digest', 'test')
            ORDER BY r.id DESC LIMIT d.hourly_limit
        ) AS newest WHERE newest.created_at > %(since)s
    )
    FROM notifications_destination d
    WHERE d.environment_id = ANY(%(projects)b::int[]) AND d.enabled AND d.events && %(events)b::text[]
    ORDER BY d.environment_id, d.id
    FOR KEY SHARE OF d SKIP LOCKED
"""


def _listeners(notices: Mapping[int, Sequence[Notice]], now: datetime) -> list[Listener]:
    parameters = {
        "projects": list(notices),
        "events": sorted({notice.event.value for notice in chain.from_iterable(notices.values())}),
        "since": now - WINDOW,
    }
    with sql.cursor() as cursor:
        found = cursor.execute(_LISTENERS, parameters).fetchall()
    return [Listener(*row) for row in found]


_INSERT: Final = """
    INSERT INTO notifications_delivery
        (environment_id, id, destination_id, event, subject_id, title, message, status, attempts, created_at,
         next_attempt_at, expires_at, error, excerpt, tries)
    SELECT new.environment_id, new.id, new.destination_id, new.event, new.subject_id, new.title, new.message::jsonb,
           'pending', 0, %(now)s, %(now)s, %(expires)s, '', '', '[]'
    FROM unnest(%(environments)b::int[], %(ids)b::uuid[], %(destinations)b::uuid[], %(events)b::text[],
                %(subjects)b::uuid[], %(titles)b::text[], %(messages)b::text[])
        AS new(environment_id, id, destination_id, event, subject_id, title, message)
"""


def _insert(rows: Sequence[_Row], now: datetime) -> None:
    parameters = {
        "now": now,
        "expires": now + LASTS,
        "environments": [row.listener.environment_id for row in rows],
        "ids": [uuid7(now) for _ in rows],
        "destinations": [row.listener.id for row in rows],
        "events": [row.notice.event.value for row in rows],
        "subjects": [row.notice.subject_id for row in rows],
        "titles": [title_of(row.notice.title) for row in rows],
        "messages": [_json(message_of(row.notice)) for row in rows],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, parameters)


def title_of(text: str) -> str:
    """Return a title as one line that is not too long."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1] + "…"


def message_of(notice: Notice) -> dict[str, Any]:
    """Return what is stored of a notice beside its title."""
    summary = notice.summary.strip()
    return {
        "summary": summary if len(summary) <= SUMMARY_LENGTH else summary[: SUMMARY_LENGTH - 1] + "…",
        "link": notice.link,
        "severity": notice.severity,
        "kind": notice.kind,
        "properties": notice.properties,
        "happened_at": notice.happened_at,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


_COUNT: Final = """
    INSERT INTO notifications_surplus (environment_id, id, destination_id, created_at, counts, samples)
    SELECT new.environment_id, new.id, new.destination_id, %(now)s, new.counts::jsonb, new.samples::jsonb
    FROM unnest(%(environments)b::int[], %(ids)b::uuid[], %(destinations)b::uuid[], %(counts)b::text[],
                %(samples)b::text[]) AS new(environment_id, id, destination_id, counts, samples)
"""


def _count(more: Sequence[tuple[Listener, Sequence[Notice]]], now: datetime) -> None:
    parameters = {
        "now": now,
        "environments": [listener.environment_id for listener, _ in more],
        "ids": [uuid7(now) for _ in more],
        "destinations": [listener.id for listener, _ in more],
        "counts": [_json(Counter(notice.event.value for notice in beyond)) for _, beyond in more],
        "samples": [_json([_sample(notice) for notice in beyond[:SAMPLES]]) for _, beyond in more],
    }
    with sql.cursor() as cursor:
        cursor.execute(_COUNT, parameters)


def _sample(notice: Notice) -> dict[str, Any]:
    return {
        "event": notice.event.value,
        "subject_id": notice.subject_id,
        "title": title_of(notice.title),
        "link": notice.link,
        "severity": notice.severity,
        "kind": notice.kind,
        "happened_at": notice.happened_at,
    }


def defer(destinations: set[tuple[int, UUID]]) -> None:
    """Let tasks send what waits for these destinations (project and id), of one destination one after another.

    Not with a lock in the queue, which would spare a job now and then: a transaction would wait there for whoever has
    just told the same destination something. Raises ``OperationalError`` where no job can be queued; the rows go back
    with the transaction then.
    """
    try:
        for environment_id, destination_id in sorted(destinations):
            job = app.configure_task(DELIVER_TASK, queue=DELIVER_QUEUE, lock=f"{DELIVER_TASK}.{destination_id}")
            job.defer(environment_id=environment_id, destination_id=str(destination_id))
    except ConnectorException as error:  # how procrastinate tells trouble with the database
        raise OperationalError("no job could be queued") from error
