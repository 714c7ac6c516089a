"""The database's disk will be full before old events are dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings

from environments.tenancy import guard, sql
from errortracking.ingest import disk
from errortracking.ingest.disk import Space
from errortracking.models.backlog import MEGABYTE
from errortracking.models.partitions import utc_day
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthSeverity

WARNING_WITHIN: Final = 30  # days: long enough to buy a disk
CRITICAL_WITHIN: Final = 7
SAMPLE: Final = 7  # full days of which the mean is taken: a week has its quiet days
SHARE_FROM: Final = 0.1  # of the events of these days: a project that sends less could not help by keeping less

_SIZES: Final = """
    SELECT c.relname, pg_total_relation_size(c.oid)
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass('errortracking_event')
"""
_STORED: Final = """
    SELECT environment_id, sum(count)::bigint FROM errortracking_outcomecount
    WHERE outcome = 'stored' AND day >= %s AND day < %s GROUP BY environment_id
"""


def room(space: Space) -> int | None:
    """Return how many bytes may still be written until events are refused; ``None`` where nobody knows."""
    left = []
    if space.free is not None:
        left.append(space.free - settings.MIN_FREE_DISK_MB * MEGABYTE)
    if space.database is not None:
        left.append(settings.MAX_DATABASE_MB * MEGABYTE - space.database)
    return min(left) if left else None


def days_left(room: int, sizes: Mapping[date, int], today: date, max_age: int, within: int) -> int | None:
    """Return after how many days from ``today`` the room is used up; ``None``: not ``within`` that many.

    ``sizes`` are the bytes of the events of each day. Each day to come takes what the last `SAMPLE` full days took on
    the mean, and gives back the day that becomes older than ``max_age`` days.
    """
    sample = [sizes[day] for day in (today - timedelta(days=n) for n in range(1, SAMPLE + 1)) if sizes.get(day)]
    daily = sum(sample) // len(sample) if sample else 0
    for ahead in range(1, within + 1):
        room -= daily
        room += sizes.get(today + timedelta(days=ahead - 1 - max_age), 0)
        if daily and room <= 0:
            return ahead
    return None


class RetentionPressure(HealthCheck):
    """One finding for each project that sends a good part of what fills the disk."""

    kind = "retention_pressure"
    title = "The disk will be full before old events are dropped"
    cron = "40 * * * *"
    window = timedelta(days=SAMPLE)
    hash_keys = ()
    link = "/admin/environments/project/"
    remediation = Remediation(
        human=(
            "Keep this project's events for a shorter time (its page in the admin), or everybody's by "
            "HEALTHTRACK_MAX_EVENT_AGE_DAYS, limit its rate, or make the disk larger. `manage.py doctor` tells what is "
            "left."
        ),
        agent=(
            "Make the application send less: report an exception once and not in each turn of a loop, filter expected "
            "exceptions in the SDK's before_send, and leave large local variables out of events."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Look at the room, at the size of each day's events, and at whose they are."""
        left = room(disk.read())
        today = utc_day(now)
        if left is None:
            return {}
        days = days_left(left, _sizes(), today, settings.MAX_EVENT_AGE_DAYS, WARNING_WITHIN)
        if days is None:
            return {}
        shares = _shares(today)
        return {one: [finding(days, shares[one], left)] for one in environment_ids if shares.get(one, 0) >= SHARE_FROM}


def finding(days: int, share: float, left: int) -> Finding:
    """Return what to say to a project that sends this share of the events."""
    return Finding(
        HealthSeverity.CRITICAL if days <= CRITICAL_WITHIN else HealthSeverity.WARNING,
        {
            "reason": f"Events will be refused in about {days} days, of which this project sends {share:.0%}",
            "days_left": days,
            "share": round(share, 4),
            "free_bytes": left,
            "max_event_age_days": settings.MAX_EVENT_AGE_DAYS,
        },
    )


def _sizes() -> dict[date, int]:
    """Return the bytes of each day's events with their indexes; a partition's name ends with its day."""
    with guard.maintenance("the sizes of partitions"), sql.cursor() as cursor:
        return {date.fromisoformat(name[-8:]): size for name, size in cursor.execute(_SIZES).fetchall()}


def _shares(today: date) -> dict[int, float]:
    with guard.maintenance("whose events fill the disk"), sql.cursor() as cursor:
        stored: dict[int, int] = dict(cursor.execute(_STORED, [today - timedelta(days=SAMPLE), today]).fetchall())
    total = sum(stored.values())
    return {environment_id: count / total for environment_id, count in stored.items()} if total else {}


CHECK = RetentionPressure()
