"""What waits for one destination is sent, one after another, and what came of it is written down.

No transaction is open while the other side is asked. A message is leased for an attempt: if the process dies, it is
tried again when the lease ends, so a receiver may get it twice, with the same id.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from environments import clock
from environments.models import Project
from environments.tenancy import sql
from notifications import outbox, pacing
from notifications.bodies import Message
from notifications.events import TEST
from notifications.models import DeliveryStatus, Destination
from notifications.sending import Result, Target, send

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)  # twelve times what an attempt may take
MOST_SECONDS: Final = 20.0
"""Of one job, so that a slow destination does not keep one of the few places of tasks; what is left is a new job."""
KEPT_TRIES: Final = 22  # a message has 11 at most, and somebody may have it sent again

_TAKE: Final = """
    UPDATE notifications_delivery d SET attempts = d.attempts + 1, next_attempt_at = %(leased)s
    WHERE d.environment_id = %(environment)s AND d.id = (
        SELECT r.id FROM notifications_delivery r
        WHERE r.environment_id = %(environment)s AND r.destination_id = %(destination)s AND r.status = 'pending'
            AND r.next_attempt_at <= %(now)s AND r.expires_at >= %(now)s AND (r.event = %(test)s OR NOT %(only_tests)s)
        ORDER BY r.next_attempt_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING d.id, d.event, d.subject_id, d.title, d.message::text, d.attempts, d.expires_at
"""


class _Taken(NamedTuple):
    """A message that is leased for an attempt."""

    id: UUID
    event: str
    subject_id: UUID | None
    title: str
    message: str
    attempts: int
    expires_at: datetime


def deliver(environment_id: int, destination_id: UUID) -> None:
    """Send what is due to a destination. One that is gone, off or resting gets nothing, except for tests."""
    until = time.monotonic() + MOST_SECONDS
    project = Project.objects.filter(pk=environment_id).values_list("name", flat=True).first()
    while project is not None:
        destination = Destination.objects.filter(environment_id=environment_id, pk=destination_id).first()
        taken = _take(destination) if destination else None
        if destination is None or taken is None:
            return
        result = send(_target(destination), _message(taken, environment_id, project))
        _settle(destination, taken, result)
        if time.monotonic() > until:
            outbox.defer({(environment_id, destination_id)})
            return


def rests(destination: Destination, now: datetime) -> bool:
    """Return whether nothing but tests goes to a destination at the moment."""
    return not destination.enabled or (destination.paused_until is not None and destination.paused_until > now)


def _take(destination: Destination) -> _Taken | None:
    now = clock.now()
    parameters = {
        "environment": destination.environment_id,
        "destination": destination.pk,
        "now": now,
        "leased": now + LEASE,
        "test": TEST,
        "only_tests": rests(destination, now),
    }
    with sql.cursor() as cursor:
        row = cursor.execute(_TAKE, parameters).fetchone()
    return None if row is None else _Taken(*row)


def _target(destination: Destination) -> Target:
    return Target(destination.kind, destination.target, destination.secret)


def _message(taken: _Taken, environment_id: int, project: str) -> Message:
    fields = orjson.loads(taken.message)
    return Message(
        taken.id, taken.event, taken.subject_id, taken.title, fields, environment_id, project, settings.SITE_URL
    )


_SETTLE: Final = """
    UPDATE notifications_delivery d
    SET status = %(status)s, next_attempt_at = %(next)s, finished_at = %(finished)s, http_status = %(http_status)s,
        duration_ms = %(duration_ms)s, error = %(error)s, excerpt = %(excerpt)s,
        tries = CASE WHEN jsonb_array_length(d.tries) < %(kept)s THEN d.tries ELSE d.tries - 0 END || %(tried)s::jsonb
    WHERE d.environment_id = %(environment)s AND d.id = %(id)s AND d.status = 'pending' AND d.attempts = %(attempts)s
"""


def _settle(destination: Destination, taken: _Taken, result: Result) -> None:
    """Write down what came of an attempt, unless somebody else has leased the message meanwhile."""
    now = clock.now()
    again = None
    if result.error and taken.event != TEST:
        again = pacing.next_attempt(taken.attempts, now, taken.expires_at)
    status = DeliveryStatus.PENDING if again else DeliveryStatus.FAILED if result.error else DeliveryStatus.DELIVERED
    parameters: dict[str, Any] = {
        "environment": destination.environment_id,
        "id": taken.id,
        "attempts": taken.attempts,
        "status": status.value,
        "next": again,
        "finished": None if again else now,
        "http_status": result.http_status,
        "duration_ms": result.duration_ms,
        "error": result.error,
        "excerpt": result.excerpt,
        "kept": KEPT_TRIES,
        "tried": orjson.dumps([_tried(now, result)], option=orjson.OPT_UTC_Z).decode(),
    }
    with transaction.atomic():
        _judge(destination, result, now)  # first: who deletes a destination locks it, and then its messages
        with sql.cursor() as cursor:
            cursor.execute(_SETTLE, parameters)
    told = {"project": destination.environment_id, "destination": str(destination.pk), "delivery": str(taken.id)}
    log.info("alert sent", **told, status=status.value, http_status=result.http_status, error=result.error)


def _tried(now: datetime, result: Result) -> dict[str, Any]:
    return {"at": now, "http_status": result.http_status, "duration_ms": result.duration_ms, "error": result.error}


def _judge(destination: Destination, result: Result, now: datetime) -> None:
    """Let a destination rest that fails again and again, and wake one that took something.

    Not where somebody has changed the target or switched it on meanwhile: that began anew.
    """
    row = Destination.objects.filter(
        environment_id=destination.environment_id,
        pk=destination.pk,
        target=destination.target,
        failures=destination.failures,
    )
    if result.error:
        row.update(failures=F("failures") + 1, paused_until=pacing.pause(destination.failures + 1, now))
    elif destination.failures:
        row.update(failures=0, paused_until=None)
