"""The partitions of the queue, used in turn and truncated when they have been emptied.

A row of the queue lives for a second and leaves two dead versions behind. VACUUM takes these away, except while an old
transaction is open anywhere in the database (a forgotten session, a long report, a replica that lags): then dead rows
stay, and every look at the queue wades through them. TRUNCATE does not ask who might still want to see the dead; so
requests go into one of `SLOTS` partitions for `PERIOD_SECONDS`, then into the next, and one that is not in use and
holds no row is truncated. PgQ, the queue of Skype's database tools, has worked this way since 2007.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import OperationalError, transaction
from psycopg import errors

from environments import clock
from environments.tenancy import guard, sql

TABLE: Final = "errortracking_queuedrequest"
SLOTS: Final = 3
PERIOD_SECONDS: Final = 60  # of dead rows at most two periods are in the way, some 50,000 at full speed
# Not worth a truncation, which makes new files and changes the catalogue; VACUUM keeps a queue below it in good times.
SMALL_BYTES: Final = 8 * 1024 * 1024
# Whoever waits for the lock makes all behind it wait; a backup holds the table for hours.
_LOCK_TIMEOUT: Final = "100ms"


def of(moment: datetime) -> int:
    """Return the slot that requests received at ``moment`` go into."""
    return int(moment.timestamp()) // PERIOD_SECONDS % SLOTS


def current() -> int:
    """Return the slot that requests go into now."""
    return of(clock.now())


def name(slot: int) -> str:
    """Return the name of a slot's table."""
    return f"{TABLE}_{slot}"


def recycle() -> list[int]:
    """Truncate the slots that are large, not in use and empty, and return them.

    A row can never be lost: whether there are any is asked while nobody else can touch the table. To be called outside
    of a transaction.
    """
    return [slot for slot in range(SLOTS) if slot != current() and _is_large(slot) and _truncate(slot)]


def _is_large(slot: int) -> bool:
    with sql.cursor() as cursor:
        (size,) = cursor.execute("SELECT pg_total_relation_size(to_regclass(%s))", [name(slot)]).fetchone() or (0,)
    return (size or 0) > SMALL_BYTES


def _truncate(slot: int) -> bool:
    """Truncate the slot unless it holds a row or somebody uses it; return whether that was done."""
    with guard.maintenance("a slot holds rows of all projects"):
        try:
            return not _has_rows(slot) and _truncate_locked(slot)
        except OperationalError as error:
            if isinstance(error.__cause__, errors.LockNotAvailable):
                return False
            raise


def _truncate_locked(slot: int) -> bool:
    with transaction.atomic(), sql.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        cursor.execute(f"LOCK TABLE {name(slot)} IN ACCESS EXCLUSIVE MODE")
        if _has_rows(slot):  # inserted meanwhile
            return False
        cursor.execute(f"TRUNCATE {name(slot)}")
        return True


def _has_rows(slot: int) -> bool:
    with sql.cursor() as cursor:
        return cursor.execute(f"SELECT 1 FROM {name(slot)} LIMIT 1").fetchone() is not None  # noqa: S608  # ours
