"""Daily partitions of the event table: made ahead and on the spot, by several at once, and dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import django.db
import pytest
from django.db import connection, transaction

from environments import clock
from environments.ids import uuid7
from environments.models import Organization, Project
from environments.tenancy import sql
from environments.tenancy.guard import maintenance
from errortracking.models import Event, partitions

DAY = date(2031, 5, 17)
NOON = datetime(2031, 5, 17, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_partitions(db: None) -> None:
    """Begin without the partitions that other tests have committed."""
    partitions.drop_before(date.max)


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Let statements be committed, and drop every partition afterwards: flushing the tables does not."""
    yield
    partitions.drop_before(date.max)


def an_event(received_at: datetime) -> Event:
    organization = Organization.objects.create(name="Acme")
    project = Project.objects.create(organization=organization, name="shop")
    return Event.objects.create(
        environment_id=project.id,
        id=uuid7(),
        received_at=received_at,
        timestamp=received_at,
        distinct_id="user",
        payload=b"",
    )


def test_a_day_begins_and_ends_at_midnight_utc() -> None:
    zone = datetime.fromisoformat("2031-05-18T01:30:00+02:00")
    assert partitions.utc_day(zone) == DAY


def test_an_event_needs_the_partition_of_its_day(db: None) -> None:
    with pytest.raises(django.db.IntegrityError, match="no partition"), transaction.atomic():
        an_event(NOON)
    partitions.ensure([DAY])
    an_event(NOON)


def test_a_partition_takes_the_whole_day_and_nothing_more(db: None) -> None:
    partitions.ensure([DAY])
    an_event(datetime(2031, 5, 17, 0, 0, 0, 0, UTC))
    an_event(datetime(2031, 5, 17, 23, 59, 59, 999_999, UTC))
    with pytest.raises(django.db.IntegrityError, match="no partition"), transaction.atomic():
        an_event(datetime(2031, 5, 18, 0, 0, 0, 0, UTC))


def test_making_a_partition_again_changes_nothing(db: None) -> None:
    partitions.ensure([DAY])
    event = an_event(NOON)
    partitions.ensure([DAY, DAY + timedelta(days=1)])

    assert partitions.existing() == [DAY, DAY + timedelta(days=1)]
    assert Event.objects.filter(environment_id=event.environment_id).count() == 1


def test_today_and_a_week_are_made_ahead(db: None) -> None:
    with clock.stopped_at(NOON):
        partitions.ensure_ahead()

    assert partitions.existing() == [DAY + timedelta(days=number) for number in range(8)]


def test_a_partition_has_everything_that_the_table_has(db: None) -> None:
    partitions.ensure([DAY])
    with sql.cursor() as cursor:
        table, partition = (
            cursor.execute(
                "SELECT (SELECT array_agg(a.attname || a.attstorage::text || a.attnotnull ORDER BY a.attname)"
                " FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),"
                " (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid),"
                " (SELECT array_agg(DISTINCT k.contype::text ORDER BY k.contype::text) FROM pg_constraint k"
                "  WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f'))"
                " FROM pg_class c WHERE c.oid = to_regclass(%s)",
                [name],
            ).fetchone()
            for name in (partitions.TABLE, "errortracking_event_20310517")
        )
    assert table == partition
    assert table is not None
    assert "payloade" + "true" in table[0]  # EXTERNAL: packed bytes are not packed again
    assert table[2] == ["f", "p"]


@pytest.mark.usefixtures("committed")
def test_several_processes_may_make_the_same_partitions_at_once() -> None:
    days = [DAY + timedelta(days=number) for number in range(5)]
    errors: list[BaseException] = []
    together = threading.Barrier(4)

    def make() -> None:
        try:
            connection.ensure_connection()
            together.wait()
            partitions.ensure(days)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert partitions.existing() == days


@pytest.mark.usefixtures("committed")
def test_a_partition_is_made_while_others_write_events() -> None:
    partitions.ensure([DAY])
    made = threading.Event()

    def make() -> None:
        try:
            partitions.ensure([DAY + timedelta(days=1)])
            made.set()
        finally:
            connection.close()

    with transaction.atomic():
        an_event(NOON)  # holds what an effect holds, but no new fingerprint
        thread = threading.Thread(target=make)
        thread.start()
        an_event(NOON)
    thread.join()
    assert made.is_set()


@pytest.mark.usefixtures("committed")
def test_whoever_finds_the_table_locked_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(partitions, "_PAUSE_SECONDS", 0.05)
    errors: list[BaseException] = []
    waited = threading.Event()

    def make() -> None:
        try:
            partitions.ensure([DAY])
        except BaseException as error:
            errors.append(error)
        finally:
            waited.set()
            connection.close()

    with maintenance("a lock is no query"), transaction.atomic(), sql.cursor() as cursor:
        cursor.execute("LOCK TABLE errortracking_event IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=make)
        thread.start()
        assert not waited.wait(0.3)
    thread.join()
    assert errors == []
    assert partitions.existing() == [DAY]


@pytest.mark.usefixtures("committed")
def test_whoever_finds_the_table_locked_for_good_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "10ms")
    monkeypatch.setattr(partitions, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(partitions, "_ATTEMPTS", 2)
    errors: list[BaseException] = []

    def make() -> None:
        try:
            partitions.ensure([DAY])
        except django.db.OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    with maintenance("a lock is no query"), transaction.atomic(), sql.cursor() as cursor:
        cursor.execute("LOCK TABLE errortracking_event IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
    assert "lock timeout" in str(errors)


def test_old_days_are_dropped_with_their_events_and_the_rest_stays(db: None) -> None:
    partitions.ensure(DAY + timedelta(days=number) for number in range(4))
    gone, kept = an_event(NOON + timedelta(days=1)), an_event(NOON + timedelta(days=2))

    dropped = partitions.drop_before(DAY + timedelta(days=2))

    assert dropped == [DAY, DAY + timedelta(days=1)]
    assert partitions.existing() == [DAY + timedelta(days=2), DAY + timedelta(days=3)]
    assert not Event.objects.filter(environment_id=gone.environment_id).exists()
    assert Event.objects.filter(environment_id=kept.environment_id).exists()


def test_dropping_nothing_is_no_error(db: None) -> None:
    assert partitions.drop_before(DAY) == []
