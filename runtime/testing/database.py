"""The PostgreSQL of a test run, and a database name that no other run has.

All test runs of one account share a server without fsync, which the last one stops. Each run has databases of its own
name and an advisory lock on that name, so that the databases of a run that was killed can be told and dropped.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from runtime.bootstrap import places
from runtime.postgres import Cluster

PREFIX = "test_healthtrack"
NAME = re.compile(rf"{PREFIX}_([0-9a-f]{{8}})(_.*)?")
LOCKS = 0x68745F74
"""The class of the advisory locks: "ht_t", so that other users of the server's lock numbers are not met."""


Connection = psycopg.Connection[tuple[object, ...]]


class TestDatabase:
    """Sets ``DATABASE_URL`` and ``HEALTHTRACK_TEST_DATABASE`` at :meth:`open`, and cleans up at :meth:`close`."""

    __test__ = False  # not a class of tests

    def __init__(self, *, reuse: bool = False) -> None:
        """``reuse`` keeps one name for all runs, as pytest-django's ``--reuse-db`` needs."""
        self._run = "" if reuse else secrets.token_hex(4)
        self._cluster: Cluster | None = None
        self._connection: Connection | None = None

    def open(self) -> None:
        """Start or adopt the server unless ``DATABASE_URL`` names one; choose the name. Raises ``PostgresError``."""
        if not os.environ.get("DATABASE_URL"):
            self._cluster = Cluster(_folder(), durable=False)
            os.environ["DATABASE_URL"] = self._cluster.acquire()
        os.environ.setdefault("HEALTHTRACK_TEST_DATABASE", f"{PREFIX}_{self._run or 'reused'}")
        if self._run:
            self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
            self._connection.execute("SELECT pg_advisory_lock(%s, %s)", _key(self._run))
            self._drop(self._connection, self._is_dead)

    def close(self) -> None:
        """Drop what this run left behind and leave the server."""
        if self._connection is not None:
            try:
                self._drop(self._connection, lambda _, run: run == self._run)
                self._connection.close()
            except psycopg.Error:
                pass  # the server was killed; the next run drops them
            self._connection = None
        if self._cluster is not None:
            self._cluster.release()
            self._cluster = None
            os.environ.pop("DATABASE_URL", None)

    def _is_dead(self, connection: Connection, run: str) -> bool:
        """Return whether no process holds the lock of another run."""
        if run == self._run:
            return False
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", _key(run)).fetchone()
        return bool(row and row[0])

    def _drop(self, connection: Connection, wanted: Callable[[Connection, str], bool]) -> None:
        """Drop the databases of the runs that ``wanted`` says."""
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}%"])
        for (name,) in rows.fetchall():
            if (match := NAME.fullmatch(str(name))) and wanted(connection, match[1]):
                statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(match[0]))
                connection.execute(statement)


def _key(run: str) -> tuple[int, int]:
    """Return the two numbers of a run's advisory lock; PostgreSQL's are signed."""
    return LOCKS, int.from_bytes(bytes.fromhex(run), "big", signed=True)


def _folder() -> Path:
    """Return the folder of the test cluster. Under root the system's cache, which the server's account can enter."""
    if os.geteuid() == 0:
        for base in (Path("/var/cache/healthtrack"), *(p / "healthtrack-0" for p in places.temporary_folders())):
            if places.is_writable(base) and places.make_own(base, 0o711):
                return base / "tests"
    return places.cache_folder() / "tests"
