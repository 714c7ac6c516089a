"""The bucket counts of a range, one issue after the other, for the preview: read in pieces, within a budget of time.

Issues belong together as they do now: what was merged meanwhile is counted as one issue from the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError
from psycopg import errors

from environments.tenancy import sql
from errortracking.spikes import counts
from errortracking.spikes.detect import HISTORY, Total, start_of

SECONDS: Final = 20.0
"""How long a preview may take: a web thread and a core of the database are busy with it meanwhile."""
MOST_COUNTS: Final = 3_000_000
"""How many counts of issues that reach the threshold are looked at: some seconds of this process."""
ISSUES_AT_ONCE: Final = 25  # of up to 8,651 counts each: at most some 30 MB

# The time is of each statement for itself; the deadline is asked between them. All rows of the cursor are read, so what
# would find the first ones early is no help. The fingerprints of a large project fit into the memory.
_SETTINGS: Final = """
    SET LOCAL statement_timeout = {milliseconds};
    SET LOCAL cursor_tuple_fraction = 1;
    SET LOCAL work_mem = '32MB';
    SET LOCAL jit = off
"""

Series = list[tuple[int, int]]
"""Numbers of buckets, ascending, and their counts."""


class TooMuch(Exception):
    """The range holds more than can be replayed in one request."""


class Budget:
    """Watches over what one preview takes; to be opened inside a transaction."""

    def __init__(self, seconds: float | None = None, most_counts: int | None = None) -> None:
        self._left = MOST_COUNTS if most_counts is None else most_counts
        seconds = SECONDS if seconds is None else seconds
        self._deadline = time.monotonic() + seconds
        with sql.cursor() as cursor:
            cursor.execute(_SETTINGS.format(milliseconds=max(int(seconds * 1000), 1)))

    def take(self, number: int = 0) -> None:
        """Raise `TooMuch` where the time is over, or where ``number`` counts more are too many."""
        self._left -= number
        if self._left < 0 or time.monotonic() > self._deadline:
            raise TooMuch


# An issue can only reach the threshold in a bucket in which one of its fingerprints has its share of it. That is
# asked of each count alone, before anything is joined or added up, first with the share of the issue with the
# most fingerprints; no index helps, since one that has the count would have to change with each batch.
_SERIES: Final = """
    DECLARE spike_series NO SCROLL CURSOR FOR
    WITH member AS MATERIALIZED (
        SELECT f.id, f.issue_id, count(*) OVER (PARTITION BY f.issue_id) AS fingerprints
        FROM errortracking_fingerprint f WHERE f.environment_id = %(environment)s
    ), hot AS MATERIALIZED (
        SELECT DISTINCT member.issue_id
        FROM errortracking_spikecount c JOIN member ON member.id = c.fingerprint_id
        WHERE c.environment_id = %(environment)s AND c.bucket >= %(since)s AND c.bucket < %(until)s
            AND c.count >= (SELECT %(threshold)s::float8 / max(fingerprints) FROM member)
            AND c.count * member.fingerprints >= %(threshold)s
    ), counted AS (
        SELECT member.issue_id, c.bucket, sum(c.count) AS count
        FROM errortracking_spikecount c
        JOIN member ON member.id = c.fingerprint_id
        JOIN hot ON hot.issue_id = member.issue_id
        WHERE c.environment_id = %(environment)s AND c.bucket >= %(before)s AND c.bucket < %(until)s
        GROUP BY member.issue_id, c.bucket
    )
    SELECT issue_id, array_agg((extract(epoch FROM bucket) / 300)::int ORDER BY bucket),
           array_agg(count ORDER BY bucket)
    FROM counted GROUP BY issue_id
"""


def hot(
    environment_id: int, threshold: int, since: int, until: int, budget: Budget
) -> Iterator[list[tuple[UUID, Series]]]:
    """Yield each issue that may have reached ``threshold`` in a bucket, with its counts, in the caller's transaction.

    They come some at a time. The range goes from the bucket with the number ``since`` to before ``until``; the hour
    before it comes along as history. Raises `TooMuch`.
    """
    parameters = {
        "environment": environment_id,
        "threshold": threshold,
        "before": start_of(since - HISTORY),
        "since": start_of(since),
        "until": start_of(until),
    }
    with sql.cursor() as cursor:
        _execute(cursor, _SERIES, parameters)
        while rows := _execute(cursor, f"FETCH {ISSUES_AT_ONCE} FROM spike_series").fetchall():
            budget.take(sum(len(numbers) for _, numbers, _ in rows))
            yield [(issue, list(zip(numbers, map(int, values), strict=True))) for issue, numbers, values in rows]
        cursor.execute("CLOSE spike_series")


def _execute(cursor: sql.Cursor, statement: str, parameters: Any = None) -> sql.Cursor:
    try:
        return cursor.execute(statement, parameters, binary=True)
    except errors.QueryCanceled as error:
        raise TooMuch from error


class Totals:
    """What the project had in the histories of buckets. Each is read once; many together, as the reading of the
    fingerprints costs more than that of some buckets."""

    def __init__(self, environment_id: int, budget: Budget) -> None:
        self._environment_id = environment_id
        self._budget = budget
        self._known: dict[int, Total | None] = {}

    def read(self, numbers: Iterable[int]) -> None:
        """Read the totals in the histories of the buckets with those numbers. Raises `TooMuch`."""
        wanted = {before for number in numbers for before in _history(number)} - self._known.keys()
        if not wanted:
            return
        self._budget.take()
        starts = {start_of(number): number for number in wanted}
        try:
            found = counts.totals(self._environment_id, starts)
        except OperationalError as error:
            if isinstance(error.__cause__, errors.QueryCanceled):
                raise TooMuch from error
            raise
        self._known.update((number, found.get(start)) for start, number in starts.items())

    def before(self, number: int) -> list[Total]:
        """Return the totals in the history of a bucket for which they were read."""
        found = (self._known[before] for before in _history(number))
        return [total for total in found if total is not None]


def _history(number: int) -> range:
    return range(number - HISTORY, number)
