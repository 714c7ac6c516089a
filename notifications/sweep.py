"""Every minute: retries that are due, digests, and messages that have become too old. Every day: the log's old end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from environments import clock
from environments.tenancy import guard, sql
from notifications import digests, outbox

log = structlog.get_logger(__name__)

KEPT: Final = timedelta(days=30)  # of the log: long enough to find out why nobody was told
STEP: Final = 10_000  # rows of one statement: well below a second
TOO_OLD: Final = "not sent within a day"

_EXPIRE: Final = """
    UPDATE notifications_delivery d
    SET status = 'failed', finished_at = %(now)s, next_attempt_at = NULL,
        error = CASE WHEN d.error = '' THEN %(text)s ELSE d.error END
    WHERE d.status = 'pending' AND d.expires_at < %(now)s AND d.next_attempt_at <= %(now)s
"""
# A destination that rests or is off gets no job, which would find nothing to do, nor does one of a deleted project that
# has not been removed yet; tests go out anyway.
_DUE: Final = """
    SELECT DISTINCT r.environment_id, r.destination_id FROM notifications_delivery r
    JOIN notifications_destination d ON d.environment_id = r.environment_id AND d.id = r.destination_id
    JOIN environments_project p ON p.id = r.environment_id AND p.deleted_at IS NULL
    WHERE r.status = 'pending' AND r.next_attempt_at <= %(now)s
        AND (r.event = 'test' OR d.enabled AND (d.paused_until IS NULL OR d.paused_until <= %(now)s))
    ORDER BY r.environment_id, r.destination_id
"""
_DELETE: Final = """
    DELETE FROM notifications_delivery WHERE (environment_id, id) IN (
        SELECT environment_id, id FROM notifications_delivery WHERE created_at < %s AND status <> 'pending' LIMIT %s
    )
"""


def every_minute() -> None:
    """Give up what is too old, write the digests, and let what is due be sent."""
    now = clock.now()
    with guard.maintenance("the messages of all projects"), sql.cursor() as cursor:
        cursor.execute(_EXPIRE, {"now": now, "text": TOO_OLD})
    digests.send_due()
    with guard.maintenance("the messages of all projects"), sql.cursor() as cursor:
        due = cursor.execute(_DUE, {"now": now}).fetchall()
    for environment_id, destination_id in due:
        _defer_once(environment_id, destination_id)


def _defer_once(environment_id: int, destination_id: UUID) -> None:
    """Let a destination be sent to, unless a job of an earlier minute still waits for its turn."""
    lock = f"{outbox.DELIVER_TASK}.{destination_id}"
    job = app.configure_task(outbox.DELIVER_TASK, queue=outbox.DELIVER_QUEUE, lock=lock, queueing_lock=lock)
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(environment_id=environment_id, destination_id=str(destination_id))


def daily() -> int:
    """Delete what is older than the log is kept, in steps that each commit; return how many messages it was."""
    before, deleted = clock.now() - KEPT, 0
    with guard.maintenance("they are kept equally long in all projects"), sql.cursor() as cursor:
        while True:
            count = cursor.execute(_DELETE, [before, STEP]).rowcount
            deleted += count
            if count < STEP:
                break
    log.info("daily clean-up of alerts", deliveries=deleted)
    return deleted
