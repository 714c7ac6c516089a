"""The daily partitions of `TABLES`: made ahead, or on the spot when one is missing, and dropped when too old.

A partition holds what was *received* on one UTC day. There is no DEFAULT partition: a new partition would have to look
through it for its rows, and an event that nobody expected would hide there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import OperationalError, transaction
from psycopg import errors

from environments import clock
from environments.tenancy import sql

TABLE = "errortracking_event"
SPIKE_COUNTS = "errortracking_spikecount"
TABLES = (TABLE, SPIKE_COUNTS)
DAYS_AHEAD = 7  # so that a server whose clean-up task fails for a week still finds a partition waiting
# "HTDP": first half of the advisory lock of one day; the second is the day's ordinal
_LOCK_CLASS = 0x48544450
_LOCK_TIMEOUT = "2s"  # who waits for the table's lock makes everybody behind wait as well
_ATTEMPTS = 15  # × 2 s and the pauses between: longer than any transaction of the pipeline
_PAUSE_SECONDS = 0.5
_NAME = re.compile(r"(\w+)_(\d{8})\Z", re.ASCII)


def utc_day(moment: datetime) -> date:
    """Return the UTC day of a moment with a time zone: what partitions and counters go by."""
    return moment.astimezone(UTC).date()


def name(day: date, table: str = TABLE) -> str:
    """Return the name of the partition of ``day``."""
    return f"{table}_{day:%Y%m%d}"


def ensure(days: Iterable[date]) -> None:
    """Make the partitions of ``days`` that are missing. To be called outside of the transaction that writes rows.

    Several processes may do so at once. Raises ``OperationalError`` where a table stays locked for half a minute.
    """
    there, wanted = _existing(), sorted(set(days))
    for table in TABLES:
        for day in wanted:
            if (table, day) not in there:
                _patiently(_MAKE, table, day)


def ensure_ahead() -> None:
    """Make the partitions of today and of the days to come (`DAYS_AHEAD`)."""
    today = utc_day(clock.now())
    ensure(today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1))


def existing(table: str = TABLE) -> list[date]:
    """Return the days that have a partition, oldest first."""
    return sorted(day for of, day in _existing() if of == table)


def _existing() -> set[tuple[str, date]]:
    """Return the partitions of all tables by table and day: one look at the catalog before each batch."""
    with sql.cursor() as cursor:
        names = cursor.execute(
            "SELECT c.relname FROM unnest(%s::text[]) AS parent JOIN pg_inherits i ON i.inhparent = to_regclass(parent)"
            " JOIN pg_class c ON c.oid = i.inhrelid",
            [list(TABLES)],
        ).fetchall()
    matches = (_NAME.match(partition) for (partition,) in names)
    return {(match[1], date.fromisoformat(match[2])) for match in matches if match}


def drop_before(day: date, table: str = TABLE) -> list[date]:
    """Drop the partitions of the days before ``day`` with all their rows, and return those days.

    Plain DROP and not DETACH CONCURRENTLY first: the foreign key of events makes even the DROP of a detached partition
    lock the fingerprints, so the longer way (no transaction, left-overs to finalize after a crash) would save
    nothing.
    """
    dropped = [old for old in existing(table) if old < day]
    for old in dropped:
        _patiently(_DROP, table, old)
    return dropped


# LIKE and ATTACH instead of CREATE … PARTITION OF: attaching locks out other schema changes only, not readers
# and writers.
_MAKE = (
    "CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING ALL)",
    "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')",
)
_DROP = ("DROP TABLE IF EXISTS {name}",)


def _patiently(statements: Sequence[str], table: str, day: date) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _change(statements, table, day)
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.LockNotAvailable) or attempt == _ATTEMPTS:
                raise
            time.sleep(_PAUSE_SECONDS)
    return None


def _change(statements: Sequence[str], table: str, day: date) -> None:
    """Run ``statements`` for one day in a transaction, unless another process has just done so."""
    texts = {
        "table": table,
        "name": name(day, table),
        "start": f"{day.isoformat()} 00:00:00+00",
        "end": f"{(day + timedelta(days=1)).isoformat()} 00:00:00+00",
    }
    with transaction.atomic(), sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, day.toordinal()])
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        # Not to_regclass(): without a lock on a table it may answer from a cache that has not heard of the other.
        is_wanted = statements is _MAKE
        if ((table, day) in _existing()) != is_wanted:
            for statement in statements:
                cursor.execute(statement.format(**texts))
