"""Stage: issues that suddenly come much more often (pipeline 3).

Everything goes by the moment an exception was received, the snooze too: what spikes does not depend on how far the
workers are behind. Only what was stored counts. A batch that is far from the threshold costs one statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from environments.ids import moment_of, uuid7
from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.tell import Spiking, tell_spiking
from errortracking.spikes import counts
from errortracking.spikes.detect import Config, baseline, bucket_of, history_of, is_spike


@dataclass(slots=True)
class _Tally:
    """What a batch adds to one fingerprint's bucket."""

    issue_id: UUID
    count: int
    last: datetime


class _Reached(NamedTuple):
    """An issue that is not snoozed and has reached the threshold in a bucket that the batch has added to."""

    issue_id: UUID
    bucket: datetime
    last: datetime
    """When the last of the batch's exceptions of it was received that belong to the bucket."""
    current: int


class _Found(NamedTuple):
    """A spike; it is reported unless somebody else has reported the issue meanwhile."""

    issue_id: UUID
    at: datetime
    baseline: float
    value: int


def detect_spikes(batch: Batch) -> None:
    """Count the stored exceptions of the batch, and report the issues that spike by that."""
    tallies = _tally(batch)
    if not tallies:
        return
    reached, config = _count(batch, tallies)
    if reached:
        _report(batch, _spikes(batch, reached, config), config)


def _tally(batch: Batch) -> dict[tuple[datetime, UUID], _Tally]:
    tallies: dict[tuple[datetime, UUID], _Tally] = {}
    for event in batch.events:
        if event.outcome != Outcome.STORED or event.fingerprint_id is None or event.issue_id is None:
            continue
        key = bucket_of(event.received_at), event.fingerprint_id
        tally = tallies.setdefault(key, _Tally(event.issue_id, 0, event.received_at))
        tally.count += 1
        tally.last = max(tally.last, event.received_at)
    return tallies


# `counted` are the fingerprints of the batch as they are now; the issue's other fingerprints are read as they were
# before the statement, which for them is the same. The snooze is looked at here to keep an issue that goes on spiking
# from costing more than this statement; who may report is settled where it is taken.
#
# `OFFSET 0` keeps the planner from turning the look-ups round: in statistics of an hour ago a bucket is empty, and it
# then reads all of the bucket for each issue.
_COUNT = """
    WITH new AS (
        SELECT *
        FROM unnest(%(buckets)b::timestamptz[], %(fingerprints)b::uuid[], %(issues)b::uuid[], %(counts)b::int[],
                    %(last)b::timestamptz[])
            AS new(bucket, fingerprint_id, issue_id, count, last)
    ), counted AS (
        INSERT INTO errortracking_spikecount AS c (environment_id, bucket, fingerprint_id, count)
        SELECT %(environment)s, bucket, fingerprint_id, count FROM new
        ON CONFLICT (environment_id, bucket, fingerprint_id) DO UPDATE SET count = c.count + excluded.count
        RETURNING bucket, fingerprint_id, count
    ), own AS (
        SELECT new.issue_id, new.bucket, max(new.last) AS last, sum(counted.count) AS count
        FROM counted JOIN new USING (bucket, fingerprint_id) GROUP BY new.issue_id, new.bucket
    ), other AS (
        SELECT own.issue_id, own.bucket, sum(o.count) AS count
        FROM own CROSS JOIN LATERAL (
            SELECT f.id FROM errortracking_fingerprint f
            WHERE f.environment_id = %(environment)s AND f.issue_id = own.issue_id OFFSET 0
        ) AS f LEFT JOIN new ON new.bucket = own.bucket AND new.fingerprint_id = f.id CROSS JOIN LATERAL (
            SELECT o.count FROM errortracking_spikecount o
            WHERE o.environment_id = %(environment)s AND o.bucket = own.bucket AND o.fingerprint_id = f.id
                AND o.bucket = ANY(%(touched)b) OFFSET 0
        ) AS o
        WHERE new.fingerprint_id IS NULL
        GROUP BY own.issue_id, own.bucket
    ), config AS (
        SELECT coalesce(max(d.snooze_duration_minutes), %(snooze)s) AS snooze,
               coalesce(max(d.multiplier), %(multiplier)s) AS multiplier,
               coalesce(max(d.threshold), %(threshold)s) AS threshold
        FROM errortracking_spikedetectionconfig d WHERE d.environment_id = %(environment)s
    )
    SELECT own.issue_id, own.bucket, own.last, (own.count + coalesce(other.count, 0))::bigint, config.*
    FROM own LEFT JOIN other USING (issue_id, bucket) CROSS JOIN config
    WHERE own.count + coalesce(other.count, 0) >= config.threshold AND NOT EXISTS (
        SELECT FROM errortracking_spikesnooze s
        WHERE s.environment_id = %(environment)s AND s.issue_id = own.issue_id AND s.snoozed_until > own.last
    )
    ORDER BY own.bucket, own.issue_id
"""


def _count(batch: Batch, tallies: dict[tuple[datetime, UUID], _Tally]) -> tuple[list[_Reached], Config]:
    """Add to the counts; return who has reached the threshold, the older buckets first, and the configuration.

    The configuration is read with each batch, so a change counts from the next one on.
    """
    keys, default = sorted(tallies), Config()  # in one order by everybody
    parameters = {
        "environment": batch.environment_id,
        "buckets": [bucket for bucket, _ in keys],
        "fingerprints": [fingerprint for _, fingerprint in keys],
        "issues": [tallies[key].issue_id for key in keys],
        "counts": [tallies[key].count for key in keys],
        "last": [tallies[key].last for key in keys],
        "touched": sorted({bucket for bucket, _ in keys}),  # names the partitions to the planner
        "snooze": default.snooze_duration_minutes,
        "multiplier": default.multiplier,
        "threshold": default.threshold,
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_COUNT, parameters).fetchall()
    config = Config(*rows[0][4:]) if rows else default
    return [_Reached(*row[:4]) for row in rows], config


def _spikes(batch: Batch, reached: list[_Reached], config: Config) -> list[_Found]:
    """Return which of ``reached`` are spikes. The project's totals are asked only for issues without a history."""
    buckets = {bucket for one in reached for bucket in history_of(one.bucket)}
    known = counts.history(batch.environment_id, {one.issue_id for one in reached}, buckets)
    histories = [
        [known[one.issue_id, bucket] for bucket in history_of(one.bucket) if (one.issue_id, bucket) in known]
        for one in reached
    ]
    asked = {
        bucket
        for one, history in zip(reached, histories, strict=True)
        if not history
        for bucket in history_of(one.bucket)
    }
    totals = counts.totals(batch.environment_id, asked) if asked else {}
    found = []
    for one, history in zip(reached, histories, strict=True):
        team = [totals[bucket] for bucket in history_of(one.bucket) if bucket in totals]
        usual = baseline(history, team)
        if is_spike(one.current, usual, config):
            found.append(_Found(one.issue_id, one.last, usual, one.current))
    return found


def _report(batch: Batch, found: list[_Found], config: Config) -> None:
    """Store the spikes that win their snooze. An issue that spikes in several buckets has a turn for each, in order."""
    while found:
        first: dict[UUID, _Found] = {}
        later: list[_Found] = []
        for spike in found:
            if spike.issue_id in first:
                later.append(spike)
            else:
                first[spike.issue_id] = spike
        _store(batch, list(first.values()), config)
        found = later


# Whoever deletes an issue locks it first and then waits for what hangs on it, such as events that this transaction has
# stored: to wait for the issue in turn would be a deadlock. It is as good as gone, so it is skipped. The condition on
# the snooze is asked again of the row as it is when its lock is had, so of several workers one wins; if its transaction
# fails, the next does.
_STORE = """
    WITH new AS (
        SELECT *
        FROM unnest(%(issues)b::uuid[], %(ids)b::uuid[], %(detected)b::timestamptz[], %(until)b::timestamptz[],
                    %(baselines)b::float8[], %(values)b::bigint[])
            AS new(issue_id, id, detected_at, until, baseline, value)
    ), alive AS MATERIALIZED (
        SELECT i.id, i.name, i.description, i.severity FROM errortracking_issue i
        WHERE i.environment_id = %(environment)s AND i.id = ANY(%(issues)b)
        ORDER BY i.id FOR KEY SHARE SKIP LOCKED
    ), won AS (
        INSERT INTO errortracking_spikesnooze AS s (environment_id, issue_id, snoozed_at, snoozed_until)
        SELECT %(environment)s, new.issue_id, new.detected_at, new.until
        FROM new JOIN alive ON alive.id = new.issue_id ORDER BY new.issue_id
        ON CONFLICT (environment_id, issue_id) DO UPDATE
        SET snoozed_at = excluded.snoozed_at, snoozed_until = excluded.snoozed_until
        WHERE s.snoozed_until <= excluded.snoozed_at
        RETURNING issue_id
    ), stored AS (
        INSERT INTO errortracking_spikeevent
            (environment_id, id, issue_id, detected_at, computed_baseline, current_bucket_value)
        SELECT %(environment)s, new.id, new.issue_id, new.detected_at, new.baseline, new.value
        FROM new JOIN won USING (issue_id)
        RETURNING issue_id, detected_at, computed_baseline, current_bucket_value
    )
    SELECT stored.*, alive.name, alive.description, alive.severity FROM stored JOIN alive ON alive.id = stored.issue_id
    ORDER BY stored.issue_id
"""


def _store(batch: Batch, spikes: list[_Found], config: Config) -> None:
    """Snooze the issues of ``spikes``, each of another one, and store the events of those that were not snoozed."""
    ids = [uuid7(spike.at) for spike in spikes]
    detected = [moment_of(id_) for id_ in ids]
    parameters: dict[str, Any] = {
        "environment": batch.environment_id,
        "issues": [spike.issue_id for spike in spikes],
        "ids": ids,
        "detected": detected,
        "until": [at + config.snooze for at in detected],
        "baselines": [spike.baseline for spike in spikes],
        "values": [spike.value for spike in spikes],
    }
    with sql.cursor() as cursor:
        won = cursor.execute(_STORE, parameters).fetchall()
    tell_spiking(batch, [Spiking(*row) for row in won])
