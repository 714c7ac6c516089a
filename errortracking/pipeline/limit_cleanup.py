"""What the rate limits need not remember any longer, deleted every day in steps that keep nobody waiting."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from environments import clock
from environments.tenancy import guard, sql
from errortracking.models import RateLimitBucket, RateLimitedCount
from errortracking.models.partitions import utc_day
from errortracking.pipeline import pages

# As upstream's buckets live (pipeline 2.11). Full ones could go at once, were there no backlog.
KEPT = timedelta(days=1)
_FUTURE = timedelta(hours=1)  # more than the clocks of the machines of one installation differ

# `at` in the future: a clock was wrong, and the bucket would get nothing until it is right again.
_FORGETTABLE_BUCKET = """
    at > %(future)s OR
    (value - tokens)::numeric * 60 * minutes - fraction <= value * trunc(extract(epoch FROM %(before)s - at))
"""
# The oldest request of each project by the key, as `lease.waiting` walks it: ids are made when a request is received.
_OLDEST_WAITING = """
    WITH RECURSIVE oldest AS (
        (SELECT environment_id, received_at FROM errortracking_queuedrequest ORDER BY environment_id, id LIMIT 1)
        UNION ALL
        SELECT next.* FROM oldest CROSS JOIN LATERAL (
            SELECT q.environment_id, q.received_at FROM errortracking_queuedrequest q
            WHERE q.environment_id > oldest.environment_id ORDER BY q.environment_id, q.id LIMIT 1
        ) AS next
    )
    SELECT min(received_at) FROM oldest
"""


def forget_full_buckets() -> int:
    """Delete buckets that have been full for a day, and return how many there were.

    Nobody can tell such a bucket from a new one (`pipeline.bucket`). Where requests have been waiting for longer than a
    day, the buckets are as of the oldest: to these it matters what was charged before.
    """
    before = clock.now() - KEPT
    with guard.maintenance("the oldest request of all projects"), sql.cursor() as cursor:
        (oldest,) = cursor.execute(_OLDEST_WAITING).fetchone() or (None,)
    before = min(before, oldest or before)
    parameters = {"before": before.replace(microsecond=0), "future": clock.now() + _FUTURE}
    return pages.delete(RateLimitBucket._meta.db_table, _FORGETTABLE_BUCKET, parameters)


def forget_old_counts() -> int:
    """Delete the counts of dropped exceptions of days whose events are gone too; return how many rows there were."""
    oldest_kept = utc_day(clock.now()) - timedelta(days=settings.MAX_EVENT_AGE_DAYS)
    return pages.delete(RateLimitedCount._meta.db_table, "day < %(before)s", {"before": oldest_kept})
