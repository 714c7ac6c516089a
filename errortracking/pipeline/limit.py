"""Stage: exceptions beyond the project's rate limits are dropped (pipeline 2.11).

Each pays a token of its issue's bucket, then one of the project's: whom the first refuses does not charge the second.
What a bypass rule matches pays nothing. The clock of the buckets is the second of receipt, so what is admitted does not
depend on how far the workers are behind.

The buckets are rows, charged in the batch's transaction: a batch that is rolled back has charged nothing, and a worker
that is killed refills nothing. Rows that exist are locked by the read. Two workers that make the same row at a time
notice it by its version; one of them begins its batch anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError

from environments.tenancy import sql
from errortracking.models import DropReason, Outcome
from errortracking.models.rate_limits import PROJECT_BUCKET, per_issue_limit, project_limit
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.bucket import DEFAULT_MINUTES, Bucket, Limit
from errortracking.pipeline.bypass import bypassed


@dataclass(frozen=True, slots=True)
class _State:
    """What one statement reads: the limits in force and the buckets that exist, each with its version."""

    project: Limit | None
    per_issue: Limit | None
    buckets: dict[UUID, tuple[Bucket, int]]


def limit_rates(batch: Batch) -> None:
    """Drop those of the live exceptions for which a bucket has no token, in the order of their arrival."""
    if not batch.live:
        return
    passing = bypassed(batch)
    arrived = sorted((event for event in batch.live if event.uuid not in passing), key=_second)
    dropped = _charge(batch.environment_id, arrived) if arrived else {}
    for reason, events in dropped.items():
        batch.end(events, Outcome.RATE_LIMITED, reason.value)
    said = {f"{Outcome.RATE_LIMITED.value}/{reason.value}": len(events) for reason, events in dropped.items()}
    admitted = len(arrived) - sum(said.values())
    batch.limited = +Counter({**said, "allowed": admitted, "bypassed": len(passing)})
    if dropped:
        _count(batch.environment_id, dropped)


def _second(event: Accepted) -> int:
    return int(event.received_at.timestamp())


def _charge(environment_id: int, events: list[Accepted]) -> dict[DropReason, list[Accepted]]:
    """Let ``events`` pay, oldest first, and return those that could not."""
    state = _read(environment_id, {event.issue_id for event in events if event.issue_id})
    charged: dict[UUID, Bucket] = {}

    def pays(id_: UUID, limit: Limit, at: int) -> bool:
        if id_ not in charged:
            charged[id_], _ = state.buckets.get(id_) or (Bucket.full(limit, at), 0)
            charged[id_].refill(at)
            charged[id_].adopt(limit)
        return charged[id_].take(at)

    dropped: dict[DropReason, list[Accepted]] = {}
    for event in events:
        at = _second(event)
        # What could not be read belongs to no issue and pays for the project alone.
        if state.per_issue and event.issue_id and not pays(event.issue_id, state.per_issue, at):
            dropped.setdefault(DropReason.ISSUE, []).append(event)
        elif state.project and not pays(PROJECT_BUCKET, state.project, at):
            dropped.setdefault(DropReason.PROJECT, []).append(event)
    # A bucket that gave nothing is left as it was: time will make the same of it. So a flood writes nothing here.
    changed = {id_: bucket for id_, bucket in charged.items() if bucket.changed}
    if changed:
        _write(environment_id, changed, state)
    return dropped


# One row for each bucket, or one without a bucket. In the order of the ids, so that all lock in one order.
_READ = """
    WITH bucket AS (
        SELECT id, value, minutes, at, tokens, fraction, version FROM errortracking_ratelimitbucket
        WHERE environment_id = %(environment)s AND id = ANY(%(ids)b::uuid[])
        ORDER BY id FOR UPDATE
    )
    SELECT s.project_rate_limit_value, s.project_rate_limit_bucket_size_minutes,
           s.per_issue_rate_limit_value, s.per_issue_rate_limit_bucket_size_minutes, bucket.*
    FROM (VALUES (0)) AS always
    LEFT JOIN errortracking_errortrackingsettings s ON s.environment_id = %(environment)s
    LEFT JOIN bucket ON true
"""


def _read(environment_id: int, issues: set[UUID]) -> _State:
    """Return the project's limits, and the buckets of ``issues`` and of the project, locked."""
    parameters = {"environment": environment_id, "ids": [*sorted(issues), PROJECT_BUCKET]}
    with sql.cursor() as cursor:
        rows = cursor.execute(_READ, parameters, binary=True).fetchall()
    project, project_minutes, per_issue, per_issue_minutes = rows[0][:4]
    return _State(
        _limit(project_limit(project), project_minutes),
        _limit(per_issue_limit(per_issue, settings.DEFAULT_PER_ISSUE_RATE_LIMIT), per_issue_minutes),
        {row[4]: _bucket(*row[5:]) for row in rows if row[4] is not None},
    )


def _limit(value: int | None, minutes: int | None) -> Limit | None:
    return None if value is None else Limit(value, DEFAULT_MINUTES if minutes is None else minutes)


def _bucket(value: int, minutes: int, at: datetime, tokens: int, fraction: int, version: int) -> tuple[Bucket, int]:
    return Bucket(Limit(value, minutes), int(at.timestamp()), tokens, fraction), version


_WRITE = """
    INSERT INTO errortracking_ratelimitbucket AS b
        (environment_id, id, value, minutes, at, tokens, fraction, version)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(values)b::int[], %(minutes)b::int[], %(at)b::timestamptz[], %(tokens)b::int[],
                %(fractions)b::bigint[], %(versions)b::bigint[])
        AS new(id, value, minutes, at, tokens, fraction, version)
    ON CONFLICT (environment_id, id) DO UPDATE
    SET value = excluded.value, minutes = excluded.minutes, at = excluded.at, tokens = excluded.tokens,
        fraction = excluded.fraction, version = excluded.version
    WHERE b.version = excluded.version - 1
"""


def _write(environment_id: int, buckets: dict[UUID, Bucket], state: _State) -> None:
    """Store ``buckets``. Raises ``OperationalError``, which is transient, where another worker has just made one."""
    ids = sorted(buckets)
    versions = [state.buckets[id_][1] if id_ in state.buckets else 0 for id_ in ids]
    rows = [buckets[id_] for id_ in ids]
    parameters: dict[str, Any] = {
        "environment": environment_id,
        "ids": ids,
        "values": [row.limit.value for row in rows],
        "minutes": [row.limit.minutes for row in rows],
        "at": [datetime.fromtimestamp(row.at, UTC) for row in rows],
        "tokens": [row.tokens for row in rows],
        "fractions": [row.fraction for row in rows],
        "versions": [version + 1 for version in versions],
    }
    with sql.cursor() as cursor:
        cursor.execute(_WRITE, parameters)
        if cursor.rowcount != len(ids):
            raise OperationalError(f"{len(ids) - cursor.rowcount} rate limit buckets were made by another worker")


_COUNT = """
    INSERT INTO errortracking_ratelimitedcount AS c (environment_id, fingerprint_id, day, reason, count)
    SELECT %(environment)s, new.*
    FROM unnest(%(fingerprints)b::uuid[], %(days)b::date[], %(reasons)b::text[], %(counts)b::bigint[])
        AS new(fingerprint_id, day, reason, count)
    ON CONFLICT (environment_id, fingerprint_id, day, reason) DO UPDATE SET count = c.count + excluded.count
"""


def _count(environment_id: int, dropped: dict[DropReason, list[Accepted]]) -> None:
    """Add what was dropped to the counters of its fingerprints."""
    counts: Counter[tuple[UUID, date, str]] = Counter(
        (event.fingerprint_id, event.day, reason.value)
        for reason, events in dropped.items()
        for event in events
        if event.fingerprint_id
    )
    if not counts:
        return
    keys = sorted(counts)
    parameters = {
        "environment": environment_id,
        "fingerprints": [fingerprint for fingerprint, _, _ in keys],
        "days": [day for _, day, _ in keys],
        "reasons": [reason for _, _, reason in keys],
        "counts": [counts[key] for key in keys],
    }
    with sql.cursor() as cursor:
        cursor.execute(_COUNT, parameters)
