"""A raw psycopg cursor on Django's connection, for the few places where speed decides.

Django's own cursor goes through Python-made loaders for timestamps; this one uses psycopg's C loaders, binary arrays
and COPY. It takes part in the transaction that Django has open, and its statements pass the same guard.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import Buffer, Loader
from psycopg.rows import TupleRow
from psycopg.types.datetime import TimestamptzLoader

from environments.tenancy import guard

PREPARE_AFTER: Final = 5
"""Runs of one text on one connection until PostgreSQL keeps it parsed: psycopg's own number."""


class JSONFragmentLoader(Loader):
    """Passes JSON of the database through to ``orjson.dumps`` unparsed."""

    def load(self, data: Buffer) -> orjson.Fragment:
        """Return ``data`` as a fragment of the answer."""
        return orjson.Fragment(bytes(data))


class Cursor(psycopg.Cursor[TupleRow]):
    """A cursor whose statements the guard sees."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run one statement, see `psycopg.Cursor.execute`."""
        guard.check(guard.text(query))
        return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Run one statement for several sets of parameters, see `psycopg.Cursor.executemany`."""
        guard.check(guard.text(query))
        super().executemany(query, params_seq, **options)

    def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Start a COPY, see `psycopg.Cursor.copy`."""
        guard.check(guard.text(statement))
        return super().copy(statement, params, **options)


@contextmanager
def cursor(
    *, json_as_fragments: bool = False, prepared: bool = False, using: str = DEFAULT_DB_ALIAS
) -> Iterator[Cursor]:
    """Yield a raw cursor inside Django's current transaction (outside of one, each statement commits for itself).

    With ``json_as_fragments``, json and jsonb columns come as ``orjson.Fragment``. With ``prepared``, PostgreSQL keeps
    the plans of texts that come often: for short statements that many requests share, where planning costs more than
    running. Not for those of the pipeline, whose best plan hangs on how much there is at the moment. Errors become
    those of ``django.db``, so that one place can tell a database that is down from a defect.
    """
    connection: Any = connections[using]
    _connect(connection)
    with connection.wrap_database_errors, Cursor(connection.connection) as raw:
        # On the cursor and not on the connection: Django looks for its own loader there.
        raw.adapters.register_loader("timestamptz", TimestamptzLoader)
        if json_as_fragments:
            raw.adapters.register_loader("json", JSONFragmentLoader)
            raw.adapters.register_loader("jsonb", JSONFragmentLoader)
        raw.connection.prepare_threshold = PREPARE_AFTER if prepared else None
        try:
            yield raw
        finally:
            raw.connection.prepare_threshold = None


def _connect(connection: Any) -> None:
    """Have a connection that lives.

    Django asks each kept connection once per request whether it does, with a statement: a round trip, as dear as the
    look-up of a key. A server that is gone or has ended the session has closed the socket, and that the kernel knows.
    Only where something came unasked does Django ask.
    """
    raw = connection.connection
    if raw is not None and not connection.health_check_done and not raw.closed and not _has_come(raw.fileno()):
        connection.health_check_done = True
    connection.close_if_health_check_failed()
    connection.ensure_connection()


def _has_come(descriptor: int) -> bool:
    poll = select.poll()  # not select(): descriptors may be above 1024
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
