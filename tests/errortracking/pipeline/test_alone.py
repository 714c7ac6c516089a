"""Rows that are processed alone: a child process, a savepoint per event, and what it dies of is set aside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from django.db import connection

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import Event, QueuedRequest, SetAsideEvent, partitions, payload
from errortracking.pipeline import lease, metrics
from errortracking.pipeline.alone import parent, watch
from errortracking.pipeline.alone.watch import Child, Died, Unavailable
from tests.errortracking.pipeline.making import (
    NOON,
    entry,
    make_project,
    outcomes,
    queue,
    request,
    uuid,
    waiting,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("children")]

# What an event may do to the process that handles it, by the value of its property. The production code holds no such
# hook: the child is started through this program, which wraps one stage.
HOOK = """
import ctypes, os, sys, time
from errortracking.pipeline.alone import child
import django
set_up = django.setup

def set_up_and_wrap():
    set_up()
    from errortracking.pipeline import process
    def act(batch):
        for event in batch.events:
            what = event.entry["properties"].get("do")
            if what == "crash":
                ctypes.string_at(0)
            elif what == "exit":
                os._exit(7)
            elif what == "kill":
                os.kill(os.getpid(), 9)
            elif what == "sleep":
                time.sleep(600)
            elif what == "spin":
                while True: pass
            elif what == "eat":
                batch.hoard = [bytes(64 * 1024 * 1024) for _ in range(1000)]
            elif what == "raise":
                raise ZeroDivisionError("what a pity")
    process.STAGES = (act, *process.STAGES)

django.setup = set_up_and_wrap
child.main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def hooked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start children through the hook, and make the partition of the events' day."""
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", HOOK])
    partitions.ensure([NOON.date()])
    yield
    partitions.drop_before(NOON.date() + timedelta(days=1))


@pytest.fixture
def shop(transactional_db: None) -> Project:
    return make_project()


def doing(what: str, number: int) -> payload.EventEntry:
    return entry(properties={"do": what}, uuid=uuid(number))


def process(project: Project) -> None:
    """Take what waits and process it alone."""
    with lease.hold(project.id) as held:
        assert held
        parent.process_alone(lease.take(project.id), threading.Event())


def set_aside(project: Project) -> dict[str, str]:
    """Return the reasons of the project's set-aside events by uuid."""
    rows = SetAsideEvent.objects.filter(environment_id=project.id)
    return {str(one.event_uuid): one.reason for one in rows}


def ids(project: Project) -> list[str]:
    return sorted(map(str, Event.objects.filter(environment_id=project.id).values_list("id", flat=True)))


# ---- what goes well


def test_several_rows_share_a_child(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **o: (started.append(1), start(*a, **o))[1])
    for number in range(5):
        queue(shop, entry(uuid=uuid(number)))
    process(shop)

    assert outcomes(shop) == {"stored": 5}
    assert len(started) == 1


def test_prometheus_is_told_by_the_worker(shop: Project) -> None:
    stored, isolated = metrics.EVENTS.labels("stored")._value, metrics.ISOLATED._value
    before = stored.get(), isolated.get()
    queue(shop, entry(), entry())
    process(shop)

    assert (stored.get() - before[0], isolated.get() - before[1]) == (2, 1)


# ---- events that raise


def test_an_event_that_takes_all_memory_is_set_aside_and_the_limit_holds(shop: Project) -> None:
    queue(shop, doing("eat", 1), entry(uuid=uuid(2)))
    process(shop)

    assert ids(shop) == [uuid(2)]
    assert set_aside(shop)[uuid(1)].startswith("MemoryError")


# ---- events that end the process


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("crash", "ProcessDied: the process was ended by SIGSEGV"),
        ("kill", "ProcessDied: the process was ended by SIGKILL"),
        ("exit", "ProcessDied: the process ended with status 7"),
    ],
)
def test_an_event_that_ends_the_process_is_set_aside_when_it_does_so_again(
    shop: Project, what: str, reason: str
) -> None:
    queue(shop, entry(uuid=uuid(1)), doing(what, 2), entry(uuid=uuid(3)))
    process(shop)

    assert ids(shop) == [uuid(1), uuid(3)]
    assert set_aside(shop) == {uuid(2): reason}
    assert outcomes(shop) == {"stored": 2, "set_aside/ProcessDied": 1}
    assert waiting(shop) == 0


def test_several_fatal_events_of_one_request_are_found_one_after_the_other(shop: Project) -> None:
    queue(shop, doing("exit", 1), entry(uuid=uuid(2)), doing("kill", 3), doing("raise", 4))
    process(shop)

    assert ids(shop) == [uuid(2)]
    assert set(set_aside(shop)) == {uuid(1), uuid(3), uuid(4)}


def test_a_child_that_is_killed_from_outside_once_costs_no_event(
    shop: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Whoever comes to the event first ends; the file says that this has happened, so it is not the event's doing.
    done = tmp_path / "killed"
    once = f"os.path.exists({str(done)!r}) or (open({str(done)!r}, 'w'), os.kill(os.getpid(), 9))"
    hook = HOOK.replace("                while True: pass\n", f"                {once}\n")
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry(uuid=uuid(1)), doing("spin", 2), entry(uuid=uuid(3)))
    process(shop)

    assert done.exists()
    assert ids(shop) == [uuid(1), uuid(2), uuid(3)]
    assert set_aside(shop) == {}


def test_an_event_that_waits_for_ever_is_ended_by_the_clock(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVENT_SECONDS", 0.5)
    queue(shop, doing("sleep", 1), entry(uuid=uuid(2)))
    process(shop)

    assert set_aside(shop) == {uuid(1): "ProcessDied: took longer than 0.5 s"}
    assert ids(shop) == [uuid(2)]


def test_an_event_that_computes_for_ever_is_ended_by_the_kernel(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = HOOK.replace("set_up = django.setup", "set_up = django.setup; child.EVENT_CPU_SECONDS = 0")
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, doing("spin", 1))
    process(shop)

    assert set_aside(shop) == {uuid(1): "ProcessDied: the process was ended by SIGXCPU"}


def test_a_row_that_ends_the_process_before_its_first_event_is_set_aside_as_a_whole(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = HOOK.replace(
        "    set_up()\n",
        "    set_up()\n    from errortracking.models import payload; payload.unpack = lambda _: os._exit(9)\n",
        1,
    )
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry(), entry())
    process(shop)

    assert list(set_aside(shop).values()) == ["ProcessDied: the process ended with status 9"]
    assert outcomes(shop) == {"set_aside/ProcessDied": 2}
    assert waiting(shop) == 0


def test_a_request_that_takes_more_memory_than_there_is_to_be_read_is_set_aside(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No hook: nine megabytes of JSON, of which Python makes three million lists.
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-m", "errortracking.pipeline.alone.child"])
    monkeypatch.setattr(watch, "MEMORY", 300 * 1024 * 1024)
    content = orjson.dumps(request(entry(properties={"lists": "HERE"}))).replace(
        b'"HERE"', b"[" + b"[],[1]," * 1_500_000 + b"0]"
    )
    queue(shop, payload=zstandard.ZstdCompressor().compress(content), events=1)
    queue(shop, entry(uuid=uuid(2)))
    process(shop)

    (reason,) = set_aside(shop).values()
    assert reason.startswith(("ProcessDied: the process was ended by SIG", "Unreadable: MemoryError"))
    assert ids(shop) == [uuid(2)]
    assert waiting(shop) == 0


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
    monkeypatch.setattr(connection, "cursor", lambda *a, **o: (asked.append(1), cursor(*a, **o))[1])
    Child(shop.id, uuid7()).close()

    assert asked
