"""What the pipeline asks of the bucket counts, once an issue has reached the threshold, and the configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import SpikeDetectionConfig
from errortracking.spikes.detect import Config, Total


def config_of(environment_id: int) -> Config:
    """Return a project's configuration; the defaults where nobody has looked at it yet, without making the row."""
    rows = SpikeDetectionConfig.objects.filter(environment_id=environment_id).values_list(*Config._fields)
    return Config(*(rows.first() or ()))


# The buckets are named one by one and not as a range: the index has the bucket before the fingerprint, so each is
# a look-up, where a range would lead through everything that the project had within the hour.
_HISTORY = """
    SELECT f.issue_id, c.bucket, sum(c.count)
    FROM errortracking_fingerprint f
    JOIN errortracking_spikecount c ON c.environment_id = f.environment_id AND c.fingerprint_id = f.id
    WHERE f.environment_id = %(environment)s AND f.issue_id = ANY(%(issues)b) AND c.bucket = ANY(%(buckets)b)
    GROUP BY f.issue_id, c.bucket
"""


def history(
    environment_id: int, issues: Collection[UUID], buckets: Iterable[datetime]
) -> dict[tuple[UUID, datetime], int]:
    """Return how many exceptions the issues had in those of the buckets in which they came."""
    parameters = {"environment": environment_id, "issues": sorted(issues), "buckets": sorted(buckets)}
    with sql.cursor() as cursor:
        rows = cursor.execute(_HISTORY, parameters).fetchall()
    return {(issue, bucket): int(count) for issue, bucket, count in rows}


_TOTALS = """
    SELECT c.bucket, sum(c.count), count(DISTINCT f.issue_id)
    FROM errortracking_spikecount c
    JOIN errortracking_fingerprint f ON f.environment_id = c.environment_id AND f.id = c.fingerprint_id
    WHERE c.environment_id = %(environment)s AND c.bucket = ANY(%(buckets)b)
    GROUP BY c.bucket
"""


def totals(environment_id: int, buckets: Iterable[datetime]) -> dict[datetime, Total]:
    """Return what the whole project had in those of the buckets in which anything came."""
    parameters = {"environment": environment_id, "buckets": sorted(buckets)}
    with sql.cursor() as cursor:
        rows = cursor.execute(_TOTALS, parameters).fetchall()
    return {bucket: Total(int(exceptions), issues) for bucket, exceptions, issues in rows}
