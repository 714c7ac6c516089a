"""How many exceptions of an issue came in each hour and day, from the counts that spikes are found by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql
from errortracking.spikes.detect import EPOCH

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
HOURS: Final = 24
DAYS: Final = 30  # as long as counts are kept


class Series(NamedTuple):
    """Counts of equal steps, the oldest first."""

    start: datetime
    """When the first begins."""
    step: timedelta
    counts: list[int]


class Volume(NamedTuple):
    """An issue's last day and month. The last hour and the last day have only begun."""

    last_24_hours: Series
    last_30_days: Series


# By hours, since days are sums of them. Fingerprints first: each is a walk along an index, where the project's counts
# of a month may be millions.
_HOURS: Final = """
    SELECT date_bin('1 hour', c.bucket, %(epoch)s) AS hour, sum(c.count)::bigint
    FROM errortracking_fingerprint f
    JOIN errortracking_spikecount c ON c.environment_id = f.environment_id AND c.fingerprint_id = f.id
    WHERE f.environment_id = %(environment)s AND f.issue_id = %(issue)s
        AND c.bucket >= %(since)s AND c.bucket < %(until)s
    GROUP BY hour
"""


def volume(environment_id: int, issue_id: UUID, now: datetime) -> Volume:
    """Return what came of an issue in the 24 hours and in the 30 UTC days that end with those of ``now``."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    parameters = {
        "environment": environment_id,
        "issue": issue_id,
        "epoch": EPOCH,
        "since": day - (DAYS - 1) * DAY,
        "until": day + DAY,
    }
    with sql.cursor() as cursor:
        counts: dict[datetime, int] = dict(cursor.execute(_HOURS, parameters).fetchall())
    return Volume(_series(counts, hour, HOUR, HOURS), _series(counts, day, DAY, DAYS))


def _series(counts: Mapping[datetime, int], last: datetime, step: timedelta, number: int) -> Series:
    start = last - (number - 1) * step
    found = [0] * number
    for hour, count in counts.items():
        place = (hour - start) // step
        if 0 <= place < number:
            found[place] += count
    return Series(start, step, found)
