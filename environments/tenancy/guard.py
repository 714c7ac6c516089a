"""Refuses SQL that touches a project table without naming environment_id.

The rule is checked on the text of each statement, before it reaches PostgreSQL; `environments.tenancy.scoping` tells
what it is.

The tests and every server that they start run with the guard on (``HEALTHTRACK_SQL_GUARD=1``), so the whole suite is
the proof. A handler of any exception may swallow the refusal, in a server too; so each is also written to the file
that ``HEALTHTRACK_SQL_GUARD_FILE`` names, and a run of the tests is red where that is not empty at its end.

Statements that mean several projects at once say so with `maintenance`; the admin's look-ups by id are exempt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.backends.signals import connection_created
from psycopg.sql import Composable

from environments.tenancy.scoping import violates

FILE = "HEALTHTRACK_SQL_GUARD_FILE"
"""The variable that names the file to which a run's refusals are written."""

_exempt: ContextVar[str | None] = ContextVar("exempt_from_the_sql_guard", default=None)
_expected: ContextVar[bool] = ContextVar("a_test_provokes_the_sql_guard", default=False)
_enabled = False
_file: str | None = None


class UnscopedQuery(AssertionError):
    """A statement reads or writes a project table without naming environment_id."""


@contextmanager
def maintenance(reason: str) -> Iterator[None]:
    """Allow statements over all projects within the block; ``reason`` is for the reader of the code."""
    token = _exempt.set(reason)
    try:
        yield
    finally:
        _exempt.reset(token)


@contextmanager
def expected() -> Iterator[None]:
    """Refuse statements within the block as ever, without a record of it: for a test that provokes the guard."""
    token = _expected.set(True)
    try:
        yield
    finally:
        _expected.reset(token)


def check(statement: str) -> None:
    """Raise `UnscopedQuery` where the guard is on and ``statement`` breaks the rule."""
    if _enabled and _exempt.get() is None and violates(statement):
        if not _expected.get():
            _record(statement)
        raise UnscopedQuery(f"names no environment_id: {statement[:2000]}")


def _record(statement: str) -> None:
    """Add a line to the file of the run; whole lines, as several processes write to it."""
    if _file is not None:
        place = os.environ.get("PYTEST_CURRENT_TEST") or os.environ.get("HEALTHTRACK_ROLE", "command")
        line = json.dumps({"where": place, "statement": statement[:2000]}) + "\n"
        descriptor = os.open(_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def text(query: Any) -> str:
    """Return the text of a query in any form that psycopg takes."""
    if isinstance(query, Composable):
        return query.as_string(None)
    return query.decode() if isinstance(query, bytes) else str(query)


def _wrap(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    check(text(sql))
    return execute(sql, params, many, context)


def _install_on(connection: Any, **_: Any) -> None:
    if _wrap not in connection.execute_wrappers:
        connection.execute_wrappers.append(_wrap)


def enable() -> None:
    """Check every statement of this process from now on, on connections that exist and that are yet to be made."""
    global _enabled, _file
    from django.db import connections

    _enabled = True
    _file = os.environ.get(FILE)  # read now: a test may clear the variables later
    connection_created.connect(_install_on, dispatch_uid="sql-guard")
    for connection in connections.all(initialized_only=True):
        _install_on(connection)
