"""What can keep a slot of the queue from being truncated: a row that does not go away, a session that has read it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from environments import clock
from environments.models import Project
from errortracking.models import QueuedRequest, slots
from errortracking.pipeline import lease
from errortracking.pipeline.alone import parent
from tests.errortracking.models.test_slots import (
    MEGABYTE,
    _empty_slots,
    churn,
    elsewhere,
    insert,
    minutes,
    project,
    recycle,
    size,
)

__all__ = ["_empty_slots", "elsewhere", "project"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)


class Defective:
    """A child whose every row fails by a defect of ours."""

    def __init__(self, *arguments: Any) -> None: ...

    def process(self, task: Any) -> dict[str, str]:
        return {"kind": "failed", "text": "KeyError: 'x'"}

    def close(self) -> None: ...


def slots_of(project: Project) -> list[int]:
    return list(QueuedRequest.objects.filter(environment_id=project.id).values_list("slot", flat=True))


def fail(project: Project, at: datetime) -> bool:
    """Process what is due at a moment, alone; return whether there was anything."""
    with clock.stopped_at(at), lease.hold(project.id):
        leased = lease.take(project.id)
        if leased.rows:
            parent.process_alone(leased, threading.Event())
    return bool(leased.rows)


@pytest.mark.parametrize("started", [timedelta(), timedelta(seconds=59.9)])
def test_a_row_that_keeps_failing_moves_along_and_every_slot_is_emptied_behind_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, started: timedelta
) -> None:
    monkeypatch.setattr(parent, "Child", Defective)
    insert(project, minutes(0) + started)
    [before] = QueuedRequest.objects.filter(environment_id=project.id).values("id", "payload", "received_at")
    emptied = []
    for minute in range(7):
        assert fail(project, minutes(minute) + started)
        assert slots_of(project) == [minute % 3]
        with_dead_rows(project, minutes(minute) + started)
        emptied += recycle(minutes(minute) + started)
    assert emptied == [0, 1, 2, 0, 1, 2]  # each a minute after it was in use
    [after] = QueuedRequest.objects.filter(environment_id=project.id).values("id", "payload", "received_at")
    assert after == before


def with_dead_rows(project: Project, at: datetime) -> None:
    """Let the slot that is in use hold nine megabytes for a moment, and keep what is there."""
    kept = set(QueuedRequest.objects.filter(environment_id=project.id).values_list("pk", flat=True))
    insert(project, at, rows=900, size=10_000)
    QueuedRequest.objects.filter(environment_id=project.id).exclude(pk__in=kept).delete()


@pytest.mark.parametrize(
    "given_back",
    [
        lambda leased: lease.park(leased, timedelta(seconds=5)),
        lambda leased: lease.park(leased, timedelta(minutes=1), is_attempt=True),
    ],
)
def test_whatever_is_parked_moves_to_the_slot_in_use(project: Project, given_back: Callable[[Any], None]) -> None:
    insert(project, minutes(0), rows=3)
    with clock.stopped_at(minutes(1)):
        given_back(lease.take(project.id))
    assert slots_of(project) == [1, 1, 1]


def test_a_row_that_moved_is_lost_to_a_worker_whose_lease_is_older(project: Project) -> None:
    insert(project, minutes(0))
    with clock.stopped_at(minutes(1)):
        old = lease.take(project.id)
        lease.park(lease.take(project.id), timedelta())
        with pytest.raises(lease.LeaseLost):
            lease.settle(old)
        lease.settle(lease.take(project.id))
    assert slots_of(project) == []


def test_a_session_that_has_read_the_queue_keeps_its_dead_rows_and_nothing_else_waits_for_it(
    project: Project, elsewhere: psycopg.Connection
) -> None:
    elsewhere.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    elsewhere.execute("SELECT count(*) FROM errortracking_queuedrequest")  # as a report does, or a backup
    for minute in range(3):
        churn(project, minutes(minute))  # requests come and are settled as ever
        assert recycle(minutes(minute)) == []
    sizes = [size(slot) for slot in range(slots.SLOTS)]
    assert min(sizes) > 9 * MEGABYTE
    insert(project, minutes(3))
    with clock.stopped_at(minutes(3)):
        lease.settle(lease.take(project.id))
    churn(project, minutes(3))
    assert size(0) > sizes[0] + 9 * MEGABYTE  # it grows by what comes

    elsewhere.commit()
    assert recycle(minutes(4)) == [0, 2]
    assert recycle(minutes(5)) == [1]
    assert max(size(slot) for slot in range(slots.SLOTS)) < MEGABYTE
