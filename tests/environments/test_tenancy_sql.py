"""The raw cursor: prepared statements where they are asked for, and connections that died in the meantime."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from environments.tenancy import sql
from tests.environments.world import statements


@pytest.fixture
def kept(transactional_db: None) -> Iterator[Any]:
    """A connection as a web process keeps it from request to request, at the beginning of one."""
    connection.close()
    connection.ensure_connection()
    connection.health_check_enabled = True  # type: ignore[attr-defined]  # missing in the stubs
    begin()
    yield connection
    connection.close()


def begin() -> None:
    connection.close_if_unusable_or_obsolete()  # what Django does at each request
    connection.health_check_enabled = True  # type: ignore[attr-defined]  # missing in the stubs


def backend() -> int:
    with sql.cursor() as cursor:
        row = cursor.execute("SELECT pg_backend_pid()").fetchone()
    assert row
    return int(row[0])


def words() -> dict[str, Any]:
    """What another connection to the same database needs."""
    parameters = connection.get_connection_params()
    return {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if parameters.get(name)}


def end(pid: int) -> None:
    """End the session of a backend from another connection, and wait until it is gone."""
    with psycopg.connect(**words(), autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_a_connection_whose_session_was_ended_is_replaced_at_the_next_request(kept: Any) -> None:
    first = backend()
    end(first)
    begin()
    assert backend() != first


def test_within_a_request_a_lost_connection_is_an_error(kept: Any) -> None:
    end(backend())
    with pytest.raises(OperationalError), sql.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_living_connection_is_not_asked_whether_it_lives(kept: Any) -> None:
    first = backend()
    for _ in range(2):
        begin()
        with statements() as sent:
            assert backend() == first
        assert len(sent) == 1


def test_a_word_that_came_unasked_makes_django_ask(kept: Any) -> None:
    first = backend()
    with sql.cursor() as cursor:
        cursor.execute("LISTEN unasked")
    with psycopg.connect(**words(), autocommit=True) as other:
        other.execute("NOTIFY unasked")
    deadline = time.monotonic() + 10
    while not sql._has_come(connection.connection.fileno()) and time.monotonic() < deadline:
        time.sleep(0.01)  # the listener's own session passes it on
    begin()
    with statements() as sent:
        assert backend() == first
    assert len(sent) == 2
    assert not sql._has_come(connection.connection.fileno())


def prepared() -> int:
    with sql.cursor() as cursor:
        row = cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%mark_of_this%%'")
        return int((row.fetchone() or (0,))[0])


def test_a_statement_is_prepared_where_that_is_asked_for_and_only_there(kept: Any) -> None:
    for number in range(sql.PREPARE_AFTER + 2):
        with sql.cursor() as cursor:
            assert cursor.execute("SELECT %s::int AS mark_of_this", [number]).fetchone() == (number,)
    assert prepared() == 0
    for number in range(sql.PREPARE_AFTER + 2):
        with sql.cursor(prepared=True) as cursor:
            assert cursor.execute("SELECT %s::int AS mark_of_this", [number]).fetchone() == (number,)
    assert prepared() == 1


def test_a_prepared_statement_survives_an_error_in_the_block(kept: Any) -> None:
    for _ in range(sql.PREPARE_AFTER + 2):
        with suppress(ZeroDivisionError), sql.cursor(prepared=True) as cursor:
            cursor.execute("SELECT 1 AS mark_of_this")
            raise ZeroDivisionError
    assert connection.connection.prepare_threshold is None
    assert prepared() == 1


def test_a_new_column_does_not_break_prepared_statements(kept: Any) -> None:
    with sql.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mark_of_this (a int)")
        cursor.execute("INSERT INTO mark_of_this VALUES (1)")
    for number in range(sql.PREPARE_AFTER + 4):
        with sql.cursor(prepared=True) as cursor:
            assert cursor.execute("SELECT a FROM mark_of_this").fetchone() == (1,)
        if number == sql.PREPARE_AFTER + 2:
            with sql.cursor() as cursor:
                cursor.execute("ALTER TABLE mark_of_this ADD COLUMN b text")
