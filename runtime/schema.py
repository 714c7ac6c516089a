"""The database as the server needs it: reachable, new enough, migrated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import InterfaceError, OperationalError

from config import logs
from runtime.bootstrap import progress

MINIMUM_VERSION = 15  # ON DELETE SET NULL (column)
# Any number will do that nobody else takes: "migrate!" in ASCII, cut to 63 bits.
_LOCK = int.from_bytes(b"migrate!", "big") >> 1


class DatabaseProblem(Exception):
    """The database cannot be used; the text is for the person at the terminal."""


def check() -> None:
    """Connect and look at the version. Raises ``DatabaseProblem`` that says where and why, without the password."""
    try:
        connection.ensure_connection()
        version = connection.pg_version  # type: ignore[attr-defined]
    except (OperationalError, InterfaceError) as error:
        where = f"{connection.settings_dict['NAME']} at {connection.settings_dict['HOST'] or 'the default socket'}"
        raise DatabaseProblem(
            f"The database {where} cannot be reached: {logs.redact(str(error)).strip()}\nCheck DATABASE_URL."
        ) from error
    if version < MINIMUM_VERSION * 10000:
        raise DatabaseProblem(
            f"The database server is PostgreSQL {version // 10000}; {MINIMUM_VERSION} or newer is needed."
        )


def available_connections() -> int:
    """Return how many connections the server gives to ordinary users."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(CASE name WHEN 'max_connections' THEN setting::int ELSE -setting::int END) FROM pg_settings"
            " WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
        )
        (number,) = cursor.fetchone()
    return int(number)


def pending() -> bool:
    """Return whether a migration of this version has not been applied yet. Raises Django's database errors."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an error of the database within the block into a ``DatabaseProblem`` that says what was being done."""
    try:
        yield
    except Error as error:
        raise DatabaseProblem(f"The database failed while {doing}: {logs.redact(str(error)).strip()}") from error


def migrate() -> None:
    """Apply what is pending, one process at a time, whatever machine it runs on; costs little where nothing is.

    Raises ``DatabaseProblem`` where the database refuses.
    """
    with explained("it was brought up to date"):
        if not pending():
            return
        with connection.cursor() as cursor:
            # A lock of the session, not of a transaction: every migration is a transaction of its own. It ends with
            # the connection, so a killed process leaves nothing. The loser of the race finds nothing to do.
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            progress.tell("bringing its tables up to date")
            try:
                call_command("migrate", interactive=False, verbosity=0)
            finally:
                if connection.connection is not None and not connection.connection.closed:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
