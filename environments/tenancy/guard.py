"""Refuses SQL that touches a project table without naming environment_id.

The rule is checked on the text of each statement, before it reaches PostgreSQL: after the first mention of a project
table the word ``environment_id`` must follow (in a WHERE, a join, a column list). A textual check can be deceived on
purpose; it is there for the query that somebody forgot to scope. Parsing SQL properly (sqlglot) was left out: slower
by three orders of magnitude and not needed to notice a forgotten condition.

The tests and every server that they start run with the guard on (``HEALTHTRACK_SQL_GUARD=1``), so the whole suite is
the proof. Statements that mean several projects at once say so with `maintenance`; the admin's look-ups by id are
exempt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.apps import apps
from django.db.backends.signals import connection_created

_exempt: ContextVar[str | None] = ContextVar("exempt_from_the_sql_guard", default=None)
_enabled = False


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


@cache
def project_tables() -> re.Pattern[str]:
    """Return a pattern that finds the name of any project table."""
    from environments.tenancy.models import ProjectRow

    names = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, ProjectRow))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")(?:_\w+)?\b")


_IGNORED = re.compile(
    r"\s*(?:CREATE|ALTER|DROP|TRUNCATE|COMMENT|SET|SAVEPOINT|RELEASE|ROLLBACK|EXPLAIN|ANALYZE|VACUUM)\b", re.I
)


def violates(statement: str) -> bool:
    """Return whether ``statement`` mentions a project table and does not name environment_id after that."""
    if "environments_" not in statement and "errortracking_" not in statement and "healthtrack_" not in statement:
        return False
    if _IGNORED.match(statement):
        return False
    mention = project_tables().search(_after_select_list(statement))
    if mention is None:
        return False
    return "environment_id" not in _after_select_list(statement)[mention.end() :]


def _after_select_list(statement: str) -> str:
    """Return what follows the first FROM of a SELECT: naming the column in the list of results scopes nothing."""
    if statement.lstrip()[:6].upper() == "SELECT":
        parts = re.split(r"\bFROM\b", statement, maxsplit=1, flags=re.I)
        return parts[1] if len(parts) == 2 else ""
    if statement.lstrip()[:6].upper() == "UPDATE":
        # An UPDATE of all columns names environment_id in SET; only what follows WHERE or FROM scopes it.
        parts = re.split(r"\b(?=WHERE\b|FROM\b)", statement, maxsplit=1, flags=re.I)
        return statement[: statement.find(" ", 8)] + " " + (parts[1] if len(parts) == 2 else "")
    return statement


def check(statement: str) -> None:
    """Raise `UnscopedQuery` where the guard is on and ``statement`` breaks the rule."""
    if _enabled and _exempt.get() is None and violates(statement):
        raise UnscopedQuery(f"names no environment_id: {statement[:2000]}")


def _wrap(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    check(sql if isinstance(sql, str) else str(sql))
    return execute(sql, params, many, context)


def _install_on(connection: Any, **_: Any) -> None:
    if _wrap not in connection.execute_wrappers:
        connection.execute_wrappers.append(_wrap)


def enable() -> None:
    """Check every statement of this process from now on, on connections that exist and that are yet to be made."""
    global _enabled
    from django.db import connections

    _enabled = True
    connection_created.connect(_install_on, dispatch_uid="sql-guard")
    for connection in connections.all(initialized_only=True):
        _install_on(connection)
