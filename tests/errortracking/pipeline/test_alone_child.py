"""The child process that handles a row alone: what ends it is not always an event's fault; how it lives and ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import QueuedRequest
from errortracking.pipeline import lease
from errortracking.pipeline.alone import parent, watch
from errortracking.pipeline.alone.watch import Child, Died, Unavailable
from tests.errortracking.pipeline.alone import HOOK, doing, process, set_aside
from tests.errortracking.pipeline.making import (
    NOON,
    entry,
    make_project,
    outcomes,
    queue,
    waiting,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hooked")]


@pytest.fixture
def shop(transactional_db: None) -> Project:
    return make_project()


# ---- what is not an event's fault


def test_a_child_that_cannot_be_started_is_no_rows_fault(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])
    queue(shop, entry())
    process(shop)

    left = QueuedRequest.objects.get(environment_id=shop.id)
    assert (left.attempts, left.poison) == (0, [])
    assert left.not_before is not None
    assert left.not_before > clock.now()
    assert set_aside(shop) == {}


def test_a_program_that_is_not_there_is_no_rows_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "COMMAND", ["/nonexistent/python"])
    with pytest.raises(Unavailable):
        Child(1, uuid7())


def test_a_database_that_goes_away_under_the_child_is_no_rows_fault(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = HOOK.replace(
        "def act(batch):",
        "def act(batch):\n        from django.db import connection\n        cursor = connection.cursor()\n"
        '        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")\n    def other(batch):',
    )
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry())
    process(shop)

    left = QueuedRequest.objects.get(environment_id=shop.id)
    assert (left.attempts, left.poison) == (0, [])
    assert left.not_before is not None


def test_rows_of_a_deleted_project_are_dropped_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = make_project("gone")
    monkeypatch.setattr(watch, "COMMAND", ["/nonexistent/python"])
    queue(gone, entry())
    leased = lease.take(gone.id)
    gone.delete()

    parent.process_alone(leased, threading.Event())
    assert waiting(Project(id=leased.environment_id)) == 0


def test_a_row_that_fails_for_a_defect_of_ours_stays_and_is_tried_again_after_a_minute(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = HOOK.replace(
        "    set_up()\n",
        "    set_up()\n    from errortracking.pipeline.alone import row; row.lease.settle = lambda leased: 1 / 0\n",
        1,
    )
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry(), attempts=4)
    with clock.stopped_at(NOON):
        process(shop)

    left = QueuedRequest.objects.get(environment_id=shop.id)
    assert (left.attempts, left.not_before) == (5, NOON + timedelta(seconds=60))
    assert outcomes(shop) == {}


# ---- the process itself


def test_a_worker_that_is_told_to_stop_leaves_the_remaining_rows(shop: Project) -> None:
    queue(shop, entry())
    stop = threading.Event()
    stop.set()
    with lease.hold(shop.id):
        parent.process_alone(lease.take(shop.id), stop)

    assert waiting(shop) == 1


def test_a_child_ends_when_its_worker_is_gone(shop: Project) -> None:
    queue(shop, doing("sleep", 1))
    leased = lease.take(shop.id)
    child = Child(shop.id, leased.lease)
    child._tasks.write(b'{"row":"%s","deaths":{}}\n' % str(leased.ids[0]).encode())
    child._tasks.flush()
    assert child._next(10, None) == {"kind": "event", "place": 0}

    child._tasks.close()  # as the kernel does for a worker that was killed
    assert child._process.wait(10) == 3
    child._reports.close()


def test_a_child_does_not_take_a_ctrl_c_for_its_own(shop: Project) -> None:
    child = Child(shop.id, uuid7())
    os.kill(child._process.pid, signal.SIGINT)
    os.kill(child._process.pid, signal.SIGTERM)
    time.sleep(0.1)

    assert child.process({"row": str(uuid7()), "deaths": {}}) == {"kind": "lost"}
    child.close()
    assert child._process.returncode == 0


def test_what_an_event_prints_does_not_disturb_the_answers(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = HOOK.replace("def act(batch):", 'def act(batch):\n        print("{ not JSON", flush=True)')
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry())
    process(shop)

    assert outcomes(shop) == {"stored": 1}


def test_a_dead_child_says_where_it_died(shop: Project) -> None:
    queue(shop, entry(), doing("exit", 2))
    leased = lease.take(shop.id)
    child = Child(shop.id, leased.lease)
    with pytest.raises(Died) as caught:
        child.process({"row": str(leased.ids[0]), "deaths": {}})

    assert (caught.value.place, caught.value.reason) == (1, "the process ended with status 7")


def test_a_worker_looks_after_its_session_while_a_child_works(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_PING_SECONDS", 0.05)
    asked: list[Any] = []
    cursor = connection.cursor

    def counted(*arguments: Any, **options: Any) -> object:
        asked.append(1)
        return cursor(*arguments, **options)

    monkeypatch.setattr(connection, "cursor", counted)
    Child(shop.id, uuid7()).close()

    assert asked
