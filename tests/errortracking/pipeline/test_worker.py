"""The worker's loop: it finds what waits, takes turns, survives what goes wrong, and leaves when told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import django.db
import psycopg
import pytest
from django.db import connection, transaction
from psycopg import errors

from environments import clock
from environments.models import Project
from errortracking.models import Event, Issue, QueuedRequest, partitions
from errortracking.pipeline import effect, lease, worker
from errortracking.pipeline.lease import Leased
from tests.errortracking.pipeline.making import entry, exception, make_project, other, outcomes, queue, waiting

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _no_partitions(transactional_db: None) -> None:
    """Begin without the partitions that other tests have committed."""
    partitions.drop_before(date.max)


def until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def running(workers: int = 1) -> Iterator[threading.Event]:
    """Run workers in threads of this process until the end of the block; yields what stops them."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=[stop]) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)


def now(project: Project, *entries: Any, **columns: Any) -> QueuedRequest:
    return queue(project, *entries, received_at=clock.now(), **columns)


def other_sessions(cursor: Any, application: str = "%") -> list[int]:
    cursor.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name LIKE %s AND backend_type = 'client backend'",
        [application],
    )
    return [pid for (pid,) in cursor.fetchall()]


# ---- finding work


def test_a_worker_processes_what_waits_and_what_comes_later() -> None:
    project = make_project()
    now(project, entry(), other())
    with running():
        until(lambda: waiting(project) == 0)
        now(project, entry())
        until(lambda: waiting(project) == 0)

    assert outcomes(project) == {"stored": 2, "counted": 1}


def test_every_project_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BATCH_EVENTS", 2)
    heavy, light = make_project("heavy"), make_project("light")
    for _ in range(6):
        now(heavy, entry())
    now(light, entry())
    taken: list[int] = []
    apply = effect.apply
    monkeypatch.setattr(effect, "apply", lambda leased: (taken.append(leased.environment_id), apply(leased)))

    with running():
        until(lambda: waiting(heavy) + waiting(light) == 0)

    # The heavy one goes first, and the light one does not wait until it is done.
    assert taken == [heavy.id, light.id, heavy.id, heavy.id]


def test_rows_beyond_the_size_of_a_turn_wait_for_the_next_and_are_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPANDED_BYTES", 1)
    project = make_project()
    for _ in range(6):
        now(project, entry())
    with lease.hold(project.id):
        for _ in range(5):
            worker.take_turn(project.id, threading.Event())

    (left,) = QueuedRequest.objects.filter(environment_id=project.id)
    assert (left.attempts, outcomes(project)) == (0, {"stored": 5})


def test_a_worker_makes_partitions_ahead_when_it_starts() -> None:
    with running():
        until(lambda: len(partitions.existing()) == 8)


def test_a_batch_of_several_days_finds_their_partitions() -> None:
    project = make_project()
    for day in (3, 1, 2):
        queue(project, entry(), received_at=datetime(2030, 1, day, 23, 59, tzinfo=UTC))
    with running():
        until(lambda: waiting(project) == 0)

    assert {date(2030, 1, 1), date(2030, 1, 2), date(2030, 1, 3)} <= set(partitions.existing())
    assert outcomes(project) == {"stored": 3}


def test_an_idle_worker_pauses_for_a_second_at_most_and_a_new_event_ends_the_long_pauses() -> None:
    pauses: list[float] = []
    stop = threading.Event()
    one = worker._Worker(stop)
    one._sleep = pauses.append  # type: ignore[method-assign]
    for _ in range(6):
        one.step()
    project = make_project()
    now(project, entry())
    for _ in range(3):
        one.step()

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 0.1, 0.2]
    connection.close()


def test_a_worker_that_finds_all_projects_held_asks_again_soon() -> None:
    project = make_project()
    now(project, entry())
    pauses: list[float] = []
    one = worker._Worker(threading.Event())
    one._sleep = pauses.append  # type: ignore[method-assign]
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s, %s)", [0x48545057, project.id])
        for _ in range(3):
            one.step()

    assert pauses == [0.1, 0.1, 0.1]
    assert waiting(project) == 1


# ---- several workers


def test_two_workers_on_one_project_store_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BATCH_EVENTS", 5)
    project = make_project()
    sent = [entry(exception(f"Error{number % 7}"), distinct_id=str(number % 9)) for number in range(60)]
    for event in sent:
        now(project, event, event)
    with running(2):
        until(lambda: waiting(project) == 0)

    stored = Event.objects.filter(environment_id=project.id).values_list("id", flat=True)
    assert sorted(map(str, stored)) == sorted(event["uuid"] for event in sent)
    assert outcomes(project) == {"stored": 60, "duplicate": 60}
    assert Issue.objects.filter(environment_id=project.id).count() == 7


def test_workers_share_projects_and_never_one_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BATCH_EVENTS", 2)
    projects = [make_project(str(number)) for number in range(4)]
    for number in range(40):
        now(projects[number % 4], entry(exception(f"Error{number}")))
    busy: Counter[int] = Counter()
    clashes: list[int] = []
    threads: set[int] = set()
    apply = effect.apply

    def watched(leased: Leased) -> None:
        threads.add(threading.get_ident())
        busy[leased.environment_id] += 1
        if busy[leased.environment_id] > 1:
            clashes.append(leased.environment_id)
        apply(leased)
        busy[leased.environment_id] -= 1

    monkeypatch.setattr(effect, "apply", watched)
    with running(3):
        until(lambda: not QueuedRequest.objects.filter(environment_id__in=[one.id for one in projects]).exists())

    assert clashes == []
    assert len(threads) > 1
    assert all(outcomes(project) == {"stored": 10} for project in projects)


# ---- what goes wrong


def fail_times(monkeypatch: pytest.MonkeyPatch, *causes: BaseException | None) -> list[int]:
    """Let the first effects fail with these errors (None: succeed); returns where the calls are counted."""
    calls: list[int] = []
    apply = effect.apply

    def failing(leased: Leased) -> None:
        calls.append(len(leased.rows))
        cause = causes[len(calls) - 1] if len(calls) <= len(causes) else None
        if isinstance(cause, psycopg.Error):
            raise django.db.OperationalError(str(cause)) from cause
        if cause is not None:
            raise cause
        apply(leased)

    monkeypatch.setattr(effect, "apply", failing)
    return calls


def test_a_deadlock_is_tried_again_under_the_same_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fail_times(monkeypatch, errors.DeadlockDetected(), errors.SerializationFailure())
    project = make_project()
    queued = now(project, entry())
    with lease.hold(project.id):
        worker.take_turn(project.id, threading.Event())

    assert calls == [1, 1, 1]
    assert outcomes(project) == {"stored": 1}
    assert not QueuedRequest.objects.filter(environment_id=project.id, id=queued.id).exists()


def test_rows_that_meet_deadlock_after_deadlock_are_parked_and_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fail_times(monkeypatch, *[errors.DeadlockDetected() for _ in range(4)])
    project = make_project()
    now(project, entry())
    with lease.hold(project.id):
        worker.take_turn(project.id, threading.Event())

    row = QueuedRequest.objects.get(environment_id=project.id)
    assert len(calls) == 4
    assert (row.attempts, row.isolated) == (0, False)
    assert row.not_before is not None
    assert row.not_before > clock.now()


@pytest.mark.usefixtures("children")
def test_rows_whose_batch_fails_for_good_are_marked_and_processed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fail_times(monkeypatch, ZeroDivisionError("a defect"))
    project = make_project()
    now(project, entry(), other())
    with running():
        until(lambda: waiting(project) == 0)

    assert calls == [1]  # the second time it was a child's
    assert outcomes(project) == {"stored": 1, "counted": 1}


def test_of_a_batch_that_fails_for_good_only_the_row_that_is_the_reason_is_processed_alone() -> None:
    project = make_project()
    rows = [now(project, entry(distinct_id="nul \0 inside" if number == 5 else "ada")) for number in range(8)]
    with lease.hold(project.id):
        worker.take_turn(project.id, threading.Event())

    left = QueuedRequest.objects.get(environment_id=project.id)
    assert (left.id, left.isolated) == (rows[5].id, True)
    assert outcomes(project) == {"stored": 7}


def test_a_row_among_many_is_found_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    apply = effect.apply
    monkeypatch.setattr(effect, "apply", lambda leased: (calls.append(len(leased.rows)), apply(leased)))
    project = make_project()
    for number in range(64):
        now(project, entry(distinct_id="nul \0 inside" if number == 33 else "ada"))
    with lease.hold(project.id):
        worker.take_turn(project.id, threading.Event())

    assert sorted(calls) == sorted([64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1])


def test_a_lost_lease_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_times(monkeypatch, lease.LeaseLost("taken"))
    project = make_project()
    now(project, entry())
    with lease.hold(project.id):
        assert worker.take_turn(project.id, threading.Event())

    assert QueuedRequest.objects.get(environment_id=project.id).isolated is False


def test_a_project_that_cannot_even_be_leased_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, healthy = make_project("broken"), make_project("healthy")
    now(broken, entry(), entry())
    now(healthy, entry())
    take, tried = lease.take, Counter[int]()

    def picky(environment_id: int) -> Leased:
        tried[environment_id] += 1
        if environment_id == broken.id:
            raise ZeroDivisionError
        return take(environment_id)

    monkeypatch.setattr(lease, "take", picky)
    with running():
        until(lambda: waiting(healthy) == 0)
        now(healthy, entry())
        until(lambda: waiting(healthy) == 0)

    assert tried[broken.id] == 1
    assert waiting(broken) == 1


@pytest.mark.usefixtures("children")  # rows whose session died three times are processed alone
def test_a_worker_whose_session_is_ended_comes_back_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BATCH_EVENTS", 5)
    project = make_project()
    for number in range(60):
        now(project, entry(exception(f"Error{number % 5}")))
    ended = 0
    with running(), connection.cursor() as cursor:
        while ended < 6:
            time.sleep(0.05)
            for pid in other_sessions(cursor):
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
                ended += 1
        until(lambda: waiting(project) == 0)

    assert outcomes(project) == {"stored": 60}
    assert Event.objects.filter(environment_id=project.id).count() == 60


def test_a_batch_is_not_tried_again_in_a_session_that_does_not_hold_the_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = make_project()
    now(project, entry())
    calls: list[int] = []

    def end_the_session(leased: Leased) -> None:
        calls.append(1)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(effect, "apply", end_the_session)
    with pytest.raises(django.db.OperationalError), lease.hold(project.id):
        worker.take_turn(project.id, threading.Event())

    assert calls == [1]


def test_a_worker_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    now(project, entry())
    away = threading.Event()
    away.set()
    wait, asked = lease.waiting, []

    def unreachable() -> list[lease.Waiting]:
        asked.append(1)
        if away.is_set():
            raise django.db.OperationalError("connection refused")
        return wait()

    monkeypatch.setattr(lease, "waiting", unreachable)
    with running():
        until(lambda: len(asked) >= 3)
        assert waiting(project) == 1
        away.clear()
        until(lambda: waiting(project) == 0)


def test_the_pauses_of_a_worker_without_a_database_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> list[lease.Waiting]:
        raise django.db.OperationalError("connection refused")

    monkeypatch.setattr(lease, "waiting", refused)
    pauses: list[float] = []
    one = worker._Worker(threading.Event())
    one._sleep = pauses.append  # type: ignore[method-assign]
    for _ in range(9):
        one.step()

    limits = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert all(limit / 2 <= pause <= limit for limit, pause in zip(limits, pauses, strict=True))
    connection.close()


def test_events_of_a_deleted_project_do_not_stop_the_others() -> None:
    gone, healthy = make_project("gone"), make_project("healthy")
    now(gone, entry(), entry())
    now(healthy, entry())
    gone_id = gone.id
    gone.delete()
    with running():
        until(lambda: waiting(healthy) + waiting(Project(id=gone_id)) == 0)

    assert outcomes(healthy) == {"stored": 1}


# ---- the session


def test_a_worker_that_hangs_or_is_gone_loses_its_session_and_so_its_project() -> None:
    one = worker._Worker(threading.Event())
    one._sleep = lambda seconds: None  # type: ignore[method-assign]
    one.step()
    found = {}
    with connection.cursor() as cursor:
        for name in ("lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"):
            cursor.execute(f"SHOW {name}")
            (found[name],) = cursor.fetchone()
        cursor.execute("SHOW client_connection_check_interval")
        assert cursor.fetchone() == ("2s",)
    connection.close()

    assert found == {
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "3min",
        "idle_session_timeout": "15min",
    }


def test_a_worker_works_where_it_may_not_make_partitions_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise django.db.ProgrammingError("permission denied")

    monkeypatch.setattr(partitions, "ensure_ahead", refused)
    project = make_project()
    now(project, entry())
    with running():
        until(lambda: waiting(project) == 0)


# ---- leaving


def test_a_worker_that_is_told_to_stop_finishes_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BATCH_EVENTS", 1)
    project = make_project()
    for _ in range(3):
        now(project, entry())
    apply = effect.apply
    with running() as stop:

        def last(leased: Leased) -> None:
            stop.set()
            apply(leased)

        monkeypatch.setattr(effect, "apply", last)
        until(stop.is_set)

    assert waiting(project) == 2
    assert outcomes(project) == {"stored": 1}


def test_an_idle_worker_leaves_at_once() -> None:
    with running() as stop:
        time.sleep(0.5)
        started = time.monotonic()
        stop.set()
    assert time.monotonic() - started < 1
