"""Checks of the database: reachable, new enough, migrated, durable, with room for connections and partitions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from environments import clock
from errortracking.models import partitions
from runtime import schema
from runtime.operations.doctor.report import Finding, note, ok, wrong

PROBLEM: Final = "HEALTHTRACK_DATABASE_PROBLEM"
"""The variable by which `runtime.entry` hands on why the embedded database could not be had."""

CLOCKS_APART: Final = timedelta(seconds=2)
"""Between machines. Limits count in windows of a minute, leases last two seconds; NTP keeps within milliseconds."""
OLD_TRANSACTION: Final = timedelta(minutes=30)
"""Nothing here takes longer but a backup of a large database. While one is open, dead rows of the queue pile up."""
MOST_CONNECTIONS: Final = 0.9
AHEAD: Final = 2  # days; the daily task makes seven


def reach() -> Iterator[Finding]:
    """Look whether the database can be used at all."""
    if problem := os.environ.get(PROBLEM):
        yield wrong("database", problem, "Do what the text says; `manage.py up` makes and starts the database.")
        return
    try:
        schema.check()
    except schema.DatabaseProblem as error:
        yield wrong("database", str(error), "See that the server runs, and that DATABASE_URL names it.")
        return
    host = str(connection.settings_dict["HOST"] or "the default socket")
    version, (size,) = _setting("server_version"), _one("SELECT pg_size_pretty(pg_database_size(current_database()))")
    yield ok("database", f"PostgreSQL {version} at {host}; the database has {size}.")


def migrations() -> Iterator[Finding]:
    """Look whether the tables are those of this version."""
    loader = MigrationLoader(connection)
    known, applied = set(loader.disk_migrations or {}), set(loader.applied_migrations or {})
    missing, newer = known - applied, {key for key in applied - known if key[0] in loader.migrated_apps}
    if newer:
        text = f"The database was migrated by a newer version (it has {'.'.join(sorted(newer)[-1])})."
        yield wrong("migrations", text, "Run the newer version here, too; this one may write what that one misreads.")
    elif missing:
        text = f"{len(missing)} migrations are not applied, so the database has another form than this version expects."
        yield wrong("migrations", text, "Start `manage.py up`, or run `manage.py migrate`.")
    else:
        yield ok("migrations", "All are applied.")


def durability() -> Iterator[Finding]:
    """Look whether what is committed survives a loss of power."""
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if _setting(name) == "off"]
    if off:
        text = f"The database server runs with {', '.join(off)} off: what was answered with 200 may be lost."
        yield wrong("durability", text, "Switch it on in postgresql.conf.")
    else:
        yield ok("durability", "What is committed is on the disk.")


def clocks() -> Iterator[Finding]:
    """Compare this machine's clock with the database server's."""
    before = clock.now()
    (theirs,) = _one("SELECT query_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    apart = max(theirs - clock.now(), before - theirs, timedelta())
    if apart > CLOCKS_APART:
        text = f"The clocks of this machine and of the database server differ by {apart.total_seconds():.1f} seconds."
        yield wrong("clock", text, "Let both be set by NTP: limits, leases and times of events go by them.")
    else:
        yield ok("clock", "This machine and the database server agree.")


def days_ahead() -> Iterator[Finding]:
    """Look whether the coming days have partitions."""
    today = partitions.utc_day(clock.now())
    for table in partitions.TABLES:
        there = set(partitions.existing(table))
        missing = [day for day in (today + timedelta(days=n) for n in range(AHEAD + 1)) if day not in there]
        if missing:
            text = f"{table} has no partition for {missing[0]}. One is made on the spot, and events wait meanwhile."
            yield wrong("partitions", text, "The daily task makes them: see that a worker runs, and what its log says.")
            return
    yield ok("partitions", "Those of the coming days are there.")


def room_for_connections() -> Iterator[Finding]:
    """Look how many connections are left."""
    available = schema.available_connections()
    (used,) = _one("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL")
    text = f"{used} of {available} are open."
    if used > available * MOST_CONNECTIONS:
        fix = "Raise max_connections of the server, or run fewer web processes and threads (docs/operations.md)."
        yield wrong("connections", f"{text} When none is left, requests are answered 503.", fix)
    else:
        yield ok("connections", text)


def old_transactions() -> Iterator[Finding]:
    """Look whether a forgotten transaction keeps the database from cleaning up."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, coalesce(application_name, ''), xact_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
            " ORDER BY xact_start LIMIT 1"
        )
        oldest = cursor.fetchone()
    age = clock.now() - oldest[2] if oldest else timedelta()
    if oldest is None or age < OLD_TRANSACTION:
        yield ok("transactions", "None is open for long.")
        return
    pid, name, _ = oldest
    minutes = int(age.total_seconds() // 60)
    if name == "pg_dump":
        yield note("transactions", f"A backup has been running for {minutes} minutes.")
        return
    text = f"One of {name or 'an unnamed program'} (process {pid} of the server) is open for {minutes} minutes."
    fix = f"End that program, or its session: manage.py pg psql -c 'SELECT pg_terminate_backend({pid})'"
    yield wrong("transactions", f"{text} Until it ends, deleted rows stay, and the queue grows slow.", fix)


def _setting(name: str) -> str:
    (value,) = _one("SELECT current_setting(%s)", name)
    return str(value)


def _one(statement: str, *parameters: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return tuple(cursor.fetchone())
