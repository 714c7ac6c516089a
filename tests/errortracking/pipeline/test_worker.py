"""The worker's loop: it finds what waits, takes turns, and leaves when told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, date, datetime

import django.db
import psycopg
import pytest
from django.db import connection

from errortracking.models import Event, Issue, QueuedRequest, partitions
from errortracking.pipeline import effect, lease, worker
from errortracking.pipeline.lease import Leased
from tests.errortracking.pipeline.making import entry, exception, make_project, other, outcomes, queue, waiting
from tests.errortracking.pipeline.working import now, running, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_partitions")]


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

    def seen(leased: Leased) -> None:
        taken.append(leased.environment_id)
        apply(leased)

    monkeypatch.setattr(effect, "apply", seen)

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


def test_an_idle_worker_pauses_for_a_second_at_most_and_a_new_event_ends_the_long_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    stop = threading.Event()
    one = worker._Worker(stop)
    monkeypatch.setattr(one, "_sleep", pauses.append)
    for _ in range(6):
        one.step()
    project = make_project()
    now(project, entry())
    for _ in range(3):
        one.step()

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 0.1, 0.2]
    connection.close()


def test_a_worker_that_finds_all_projects_held_asks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    now(project, entry())
    pauses: list[float] = []
    one = worker._Worker(threading.Event())
    monkeypatch.setattr(one, "_sleep", pauses.append)
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
