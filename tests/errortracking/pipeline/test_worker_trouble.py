"""The worker survives what goes wrong: in a batch, in a project, with its session, with the database."""

from __future__ import annotations

import threading
import time
from collections import Counter

import django.db
import pytest
from django.db import connection, transaction
from psycopg import errors

from environments import clock
from environments.models import Project
from errortracking.models import Event, QueuedRequest
from errortracking.pipeline import effect, lease, worker
from errortracking.pipeline.lease import Leased
from tests.errortracking.pipeline.making import entry, exception, make_project, other, outcomes, waiting
from tests.errortracking.pipeline.working import fail_times, now, other_sessions, running, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_partitions")]


# ---- a batch that fails


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

    def counted(leased: Leased) -> None:
        calls.append(len(leased.rows))
        apply(leased)

    monkeypatch.setattr(effect, "apply", counted)
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


# ---- a project or a database that is away


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
    monkeypatch.setattr(one, "_sleep", pauses.append)
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
