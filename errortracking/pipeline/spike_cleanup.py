"""What of spikes is deleted every day, in steps that each commit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import structlog

from environments import clock
from environments.tenancy import guard, sql
from errortracking.models import partitions
from errortracking.models.partitions import utc_day
from errortracking.models.spikes import SPIKE_COUNT_DAYS, SPIKE_EVENT_DAYS

log = structlog.get_logger(__name__)

STEP = 10_000  # rows of one statement: well below a second
_FUTURE = timedelta(hours=1)  # more than the clocks of the machines of one installation differ


def daily() -> None:
    """Delete spikes older than 30 days, and the snoozes that ended as long ago."""
    before = clock.now() - timedelta(days=SPIKE_EVENT_DAYS)
    log.info("spikes cleaned", events=delete_old_events(before), snoozes=delete_old_snoozes(before))


def drop_old_counts() -> list[date]:
    """Drop the days of counts that no preview can ask for any more; return them."""
    return partitions.drop_before(utc_day(clock.now()) - timedelta(days=SPIKE_COUNT_DAYS), partitions.SPIKE_COUNTS)


def delete_old_events(before: datetime) -> int:
    """Delete the spikes that were detected before that moment; return how many there were."""
    return _delete("errortracking_spikeevent", "id", "detected_at < %(before)s", {"before": before})


def delete_old_snoozes(before: datetime) -> int:
    """Delete the snoozes that ended before that moment; return how many there were.

    One that has ended would only tell a spike among exceptions that were received before its end: of a backlog, or of
    events that were set aside and are replayed. One that began in the future is of a clock that was wrong, and would
    keep its issue quiet until then.
    """
    condition = "snoozed_until < %(before)s OR snoozed_at > %(future)s"
    parameters = {"before": before, "future": clock.now() + _FUTURE}
    return _delete("errortracking_spikesnooze", "issue_id", condition, parameters)


def _delete(table: str, key: str, condition: str, parameters: dict[str, Any]) -> int:
    # There is no index by time alone: a spike is a rare thing, so each step may read the table.
    statement = f"""
        DELETE FROM {table} WHERE (environment_id, {key}) IN (
            SELECT environment_id, {key} FROM {table} WHERE {condition} LIMIT %(step)s FOR UPDATE SKIP LOCKED
        )
    """  # noqa: S608 - constants
    deleted = 0
    with guard.maintenance("they are kept equally long in all projects"), sql.cursor() as cursor:
        while True:
            step = cursor.execute(statement, {**parameters, "step": STEP}).rowcount
            deleted += step
            if step < STEP:
                return deleted
