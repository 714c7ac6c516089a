"""The queue stays small whatever is open elsewhere, and no row of it is ever lost for that."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from environments import clock
from environments.ids import uuid7
from environments.models import Organization, Project
from environments.tenancy import guard, sql
from errortracking.models import QueuedRequest, slots
from tests.live import fresh_database

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)  # 29,673,360 minutes after the epoch: slot 0
MEGABYTE = 1_048_576
MANAGE = Path(__file__).resolve().parents[3] / "manage.py"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(organization=Organization.objects.create(name="Acme"), name="shop")


@pytest.fixture
def elsewhere() -> Iterator[psycopg.Connection]:
    """Yield a session that has nothing to do with the queue."""
    parameters = connection.get_connection_params()
    known = {key: parameters[key] for key in ("host", "port", "user", "password", "dbname") if parameters.get(key)}
    with psycopg.connect(**known) as session:
        yield session


@pytest.fixture(autouse=True)
def _empty_slots() -> Iterator[None]:
    """Start with empty slots, and keep autovacuum from holding one, or from making one small, while it is looked at."""
    with guard.maintenance("all slots"), sql.cursor() as cursor:
        for slot in range(slots.SLOTS):
            cursor.execute(
                f"ALTER TABLE {slots.name(slot)} SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)"
            )
        cursor.execute("TRUNCATE errortracking_queuedrequest")
    yield
    with guard.maintenance("all slots"), sql.cursor() as cursor:
        for slot in range(slots.SLOTS):
            cursor.execute(f"ALTER TABLE {slots.name(slot)} RESET (autovacuum_enabled, toast.autovacuum_enabled)")


def insert(project: Project, at: datetime, rows: int = 1, size: int = 10) -> None:
    with clock.stopped_at(at):
        QueuedRequest.objects.bulk_create(
            QueuedRequest(
                environment_id=project.id, id=uuid7(), received_at=at, events=1, bytes=size, payload=os.urandom(size)
            )
            for _ in range(rows)
        )


def churn(project: Project, at: datetime) -> None:
    """Let a slot hold nine megabytes for a moment."""
    insert(project, at, rows=900, size=10_000)
    QueuedRequest.objects.filter(environment_id=project.id).delete()


def size(slot: int) -> int:
    with sql.cursor() as cursor:
        (bytes_,) = cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [slots.name(slot)]).fetchone() or (0,)
    return int(bytes_)


def recycle(at: datetime) -> list[int]:
    with clock.stopped_at(at):
        return slots.recycle()


def minutes(number: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=number)


def test_the_slots_take_turns_by_the_minute() -> None:
    assert [slots.of(minutes(number)) for number in range(5)] == [0, 1, 2, 0, 1]
    assert slots.of(minutes(1) - timedelta(microseconds=1)) == 0


def test_an_old_transaction_elsewhere_does_not_keep_the_dead_rows(
    project: Project, elsewhere: psycopg.Connection
) -> None:
    elsewhere.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    elsewhere.execute("SELECT count(*) FROM errortracking_release")  # it has its snapshot now
    churn(project, minutes(0))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM errortracking_queuedrequest")
    assert size(0) > 9 * MEGABYTE  # VACUUM may not touch what the transaction might still want to see

    assert recycle(minutes(1)) == [0]
    assert size(0) < 100_000
    assert elsewhere.execute("SELECT count(*) FROM errortracking_release").fetchone() == (0,)


def test_a_slot_in_use_is_left_alone(project: Project) -> None:
    churn(project, minutes(0))
    assert recycle(minutes(0)) == []
    assert recycle(minutes(3)) == []


def test_a_slot_that_holds_a_row_is_left_alone(project: Project) -> None:
    churn(project, minutes(0))
    insert(project, minutes(0))
    assert recycle(minutes(1)) == []
    assert QueuedRequest.objects.filter(environment_id=project.id).count() == 1


def test_a_small_slot_is_left_to_vacuum(project: Project) -> None:
    insert(project, minutes(0), rows=100)
    QueuedRequest.objects.filter(environment_id=project.id).delete()
    assert recycle(minutes(1)) == []


def test_a_row_that_is_just_being_inserted_is_never_lost(project: Project, elsewhere: psycopg.Connection) -> None:
    churn(project, minutes(0))
    elsewhere.execute(
        "INSERT INTO errortracking_queuedrequest (environment_id, id, received_at, slot, events, bytes, payload,"
        " attempts, isolated, poison) VALUES (%s, %s, %s, 0, 1, 1, 'x', 0, FALSE, '{}')",
        [project.id, uuid7(), minutes(0)],
    )
    assert recycle(minutes(1)) == []  # nobody waits longer than a tenth of a second
    elsewhere.commit()

    assert recycle(minutes(1)) == []
    assert QueuedRequest.objects.filter(environment_id=project.id).count() == 1


def test_a_backup_that_reads_the_slot_is_not_waited_for(project: Project, elsewhere: psycopg.Connection) -> None:
    churn(project, minutes(0))
    elsewhere.execute("LOCK TABLE errortracking_queuedrequest IN ACCESS SHARE MODE")
    assert recycle(minutes(1)) == []
    elsewhere.rollback()
    assert recycle(minutes(1)) == [0]


def test_payloads_are_not_compressed_again_in_any_slot() -> None:
    with sql.cursor() as cursor:
        stored = cursor.execute(
            "SELECT a.attstorage FROM pg_attribute a JOIN pg_inherits i ON i.inhrelid = a.attrelid"
            " WHERE i.inhparent = 'errortracking_queuedrequest'::regclass AND a.attname = 'payload'"
        ).fetchall()
    assert stored == [("e",)] * 3


def test_what_waits_in_the_queue_survives_the_upgrade_and_the_way_back() -> None:
    with fresh_database() as url:
        assert url is not None
        migrate(url, "0004")
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(
                "INSERT INTO errortracking_queuedrequest (environment_id, id, received_at, events, bytes, payload,"
                " attempts, isolated, poison) VALUES (7, %s, now(), 2, 3, 'abc', 1, TRUE, '{5}')",
                [uuid7()],
            )
            before = database.execute(ROW).fetchall()
            assert len(before) == 1
            migrate(url, "0005")
            assert database.execute(ROW).fetchall() == before
            assert database.execute("SELECT slot BETWEEN 0 AND 2 FROM errortracking_queuedrequest").fetchall() == [
                (True,)
            ]
            migrate(url, "0004")
            assert database.execute(ROW).fetchall() == before


ROW = (
    "SELECT environment_id, id, received_at, events, bytes, payload, attempts, isolated, poison"
    " FROM errortracking_queuedrequest"
)


def migrate(url: str, target: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "HEALTHTRACK_SQL_GUARD": ""}
    command = [sys.executable, str(MANAGE), "migrate", "errortracking", target, "-v0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
