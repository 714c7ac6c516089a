"""What the rate limits need not remember any longer, deleted every day in steps that keep nobody waiting."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from environments import clock
from environments.tenancy import guard, sql
from errortracking.models import RateLimitBucket, RateLimitedCount
from errortracking.models.partitions import utc_day

STEP_BLOCKS = 500  # pages of one step: at most some 50,000 rows
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
    return _forget(RateLimitBucket._meta.db_table, _FORGETTABLE_BUCKET, parameters)


def forget_old_counts() -> int:
    """Delete the counts of dropped exceptions of days whose events are gone too; return how many rows there were."""
    oldest_kept = utc_day(clock.now()) - timedelta(days=settings.MAX_EVENT_AGE_DAYS)
    return _forget(RateLimitedCount._meta.db_table, "day < %(before)s", {"before": oldest_kept})


def _forget(table: str, condition: str, parameters: dict[str, object]) -> int:
    """Delete the rows that meet ``condition``, from the first page to the last, some pages per transaction.

    A row that a batch is just charging is passed over: whoever waits for a lock while holding others may wait for ever.
    """
    statement = f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table}
            WHERE ctid >= %(first)s::tid AND ctid < %(last)s::tid AND ({condition})
            FOR UPDATE SKIP LOCKED
        ))
    """  # noqa: S608  # constants
    deleted = 0
    with guard.maintenance("the horizon is the same for all projects"), sql.cursor() as cursor:
        (blocks,) = cursor.execute(
            "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int", [table]
        ).fetchone() or (0,)
        for first in range(0, blocks, STEP_BLOCKS):
            step = {"first": f"({first},0)", "last": f"({first + STEP_BLOCKS},0)"}
            with transaction.atomic():
                deleted += cursor.execute(statement, {**parameters, **step}).rowcount
    return deleted
