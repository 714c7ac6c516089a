"""What must be cleaned up and prepared every day, in steps that keep nobody waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import structlog
from django.conf import settings

from environments import clock
from errortracking.models import DailyTally, TrafficCount, partitions
from errortracking.models.events import LEDGER_HORIZON_DAYS, LEDGER_PARTITIONS, EventLedger
from errortracking.models.partitions import utc_day
from errortracking.models.traffic import KEPT_DAYS
from errortracking.pipeline import limit_cleanup, pages, retention, spike_cleanup

log = structlog.get_logger(__name__)


def daily() -> None:
    """Make partitions ahead, drop those that are too old, and forget what nobody needs: old uuids, full buckets.

    A step that fails, such as for a lock that it does not get, keeps none of the others from their work. Raises the
    first error in the end, so that the task is tried again.
    """
    steps: dict[str, Callable[[], object]] = {
        "partitions_ahead": partitions.ensure_ahead,
        "dropped_days": lambda: [day.isoformat() for day in drop_old_events()],
        "events_of_shorter_ages": retention.delete_old_events,
        "forgotten_uuids": lambda: forget_old_uuids(clock.now() - timedelta(days=LEDGER_HORIZON_DAYS)),
        "forgotten_buckets": limit_cleanup.forget_full_buckets,
        "forgotten_drops": limit_cleanup.forget_old_counts,
        "forgotten_traffic": lambda: forget_old_traffic(clock.now() - timedelta(days=KEPT_DAYS)),
        "dropped_days_of_spike_counts": lambda: [day.isoformat() for day in spike_cleanup.drop_old_counts()],
    }
    done: dict[str, object] = {}
    failed: list[Exception] = []
    for name, step in steps.items():
        try:
            done[name] = step()
        except Exception as error:
            log.exception("a step of the daily clean-up failed", step=name)
            failed.append(error)
    log.info("daily clean-up", **done)
    if failed:
        raise failed[0]


def drop_old_events() -> list[date]:
    """Drop the days that are older than ``HEALTHTRACK_MAX_EVENT_AGE_DAYS``, with all their events; return them.

    An event is kept for that many days at least, and at most one day longer.
    """
    oldest_kept = utc_day(clock.now()) - timedelta(days=settings.MAX_EVENT_AGE_DAYS)
    return partitions.drop_before(oldest_kept)


def forget_old_uuids(before: datetime) -> int:
    """Delete the ledger's rows of exceptions received before that moment; return how many there were.

    The ledger has no index by time: it would cost every event to serve one deletion a day. Each partition is read once
    from its first page to its last, some pages per transaction, so a step is bounded whatever it finds.
    """
    tables = [f"{EventLedger._meta.db_table}_{number}" for number in range(LEDGER_PARTITIONS)]
    return sum(pages.delete(table, "received_at < %(before)s", {"before": before}) for table in tables)


def forget_old_traffic(before: datetime) -> int:
    """Delete the daily counters of the health checks of days before that moment; return how many rows there were."""
    tables = (TrafficCount._meta.db_table, DailyTally._meta.db_table)
    return sum(pages.delete(table, "day < %(before)s", {"before": utc_day(before)}) for table in tables)
