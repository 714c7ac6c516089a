"""Which errors pass by themselves."""

from __future__ import annotations

import django.db
import psycopg
import pytest
from django.db import connection, transaction
from psycopg import errors

from environments.tenancy import sql
from errortracking.pipeline.transient import is_transient


@pytest.mark.parametrize(
    "error",
    [
        errors.DeadlockDetected,
        errors.SerializationFailure,
        errors.LockNotAvailable,
        errors.AdminShutdown,
        errors.CrashShutdown,
        errors.CannotConnectNow,
        errors.TooManyConnections,
        errors.DiskFull,
        errors.ConnectionFailure,
        errors.IoError,
        errors.ReadOnlySqlTransaction,
        errors.QueryCanceled,
        errors.IdleInTransactionSessionTimeout,
        psycopg.OperationalError,  # the connection is closed, or could not be made
        psycopg.InterfaceError,
        django.db.InterfaceError,
        ConnectionResetError,
        TimeoutError,
    ],
)
def test_these_pass(error: type[Exception]) -> None:
    assert is_transient(error())


@pytest.mark.parametrize(
    "error",
    [
        errors.UniqueViolation,
        errors.ForeignKeyViolation,
        errors.CheckViolation,
        errors.UntranslatableCharacter,
        errors.NumericValueOutOfRange,
        errors.ProgramLimitExceeded,  # psycopg calls it operational, but the row will be as large tomorrow
        errors.StatementTooComplex,
        errors.UndefinedTable,
        psycopg.DataError,
        psycopg.ProgrammingError,
        django.db.DataError,
        ValueError,
        TypeError,
        MemoryError,
        RecursionError,
    ],
)
def test_these_come_back(error: type[Exception]) -> None:
    assert not is_transient(error())


def test_what_django_made_of_it_is_looked_through(db: None) -> None:
    # A row of an index is limited to a third of a page; this text is larger, and does not compress.
    with sql.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE narrow (value text PRIMARY KEY)")
    insert = "INSERT INTO narrow SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) AS n"
    with pytest.raises(django.db.OperationalError) as caught, transaction.atomic(), sql.cursor() as cursor:
        cursor.execute(insert)
    assert isinstance(caught.value.__cause__, errors.ProgramLimitExceeded)
    assert not is_transient(caught.value)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_transient() -> None:
    with pytest.raises(django.db.OperationalError) as caught, sql.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_transient(caught.value)
    with pytest.raises(django.db.OperationalError) as again, sql.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert is_transient(again.value)
    connection.close()


def test_a_server_that_is_not_there_is_transient() -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect("host=/nonexistent dbname=x")
    assert is_transient(caught.value)
