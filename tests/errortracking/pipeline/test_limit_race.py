"""Processes that work at the same time over one database together admit exactly the limit, whoever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from environments.models import Project
from errortracking.models import Event, RateLimitBucket, partitions
from errortracking.pipeline import lease
from errortracking.pipeline.alone import parent
from tests.errortracking.pipeline.limiting import limits, of, stored
from tests.errortracking.pipeline.making import NOON, make_project, outcomes, queue, send, waiting
from tests.errortracking.pipeline.working import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("children")]

# A worker as it is started, but for the size of its batches: so they have many turns.
WORKER = """
import threading
import django
django.setup()
from errortracking.pipeline import lease, worker
lease.BATCH_ROWS = 3
print("ready", flush=True)
worker.run(threading.Event())
"""

# A worker that does not hold the project: nothing but the locks of the rows keeps it from the others. Each batch is
# tried until it succeeds, as a worker does. Each process begins with another issue, so that they meet at the bucket of
# the project, which none of them finds, and not before.
RACER = """
import sys
import django
django.setup()
from django.db import transaction
from environments.models import Project
from errortracking.pipeline import session
from errortracking.pipeline.process import process
from errortracking.pipeline.transient import is_transient
from tests.errortracking.pipeline.limiting import of
from tests.errortracking.pipeline.making import batch, uuid

project, first, batches = Project.objects.get(pk=sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
session.prepare()
again = 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(batches):
    while True:
        events = of(f"E{(first // 1000 + number) % 4}", 5)
        for place, event in enumerate(events):
            event["uuid"] = uuid(first + 10 * number + place)
        try:
            with transaction.atomic():
                process(batch(project, *events))
        except Exception as error:
            if not is_transient(error):
                raise
            again += 1
        else:
            break
print(again, flush=True)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "HEALTHTRACK_SQL_GUARD": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "ready\n"


@contextmanager
def running(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """Wait until the processes are ready; kill them at the end of the block."""
    try:
        assert all(map(is_ready, processes))
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def end_of(process: subprocess.Popen[str]) -> int:
    """Let a racer finish, and return how often it had to begin a batch anew."""
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return int(out)


@pytest.fixture
def shop() -> Project:
    partitions.ensure([NOON.date()])
    return make_project()


def test_workers_that_take_turns_admit_the_limit_and_a_kill_or_restart_refills_nothing(shop: Project) -> None:
    neighbour = make_project("neighbour")
    for project in (shop, neighbour):
        limits(project, issue=40, project=70)
        for number in range(60):
            queue(project, *of(f"E{number % 3}", 4))
    first, second, third = (start(WORKER) for _ in range(3))
    with running(first, second, third):
        until(lambda: Event.objects.filter(environment_id=shop.id).count() > 10)
        first.kill()
        until(lambda: waiting(shop) + waiting(neighbour) < 60)
        second.kill()
        until(lambda: waiting(shop) + waiting(neighbour) == 0)

    for project in (shop, neighbour):
        assert sum(stored(project).values()) == 70
        assert max(stored(project).values()) <= 40
        assert sum(outcomes(project).values()) == 240
        queue(project, *of("E0", 4), *of("E1", 4), *of("E2", 4))
    with running(start(WORKER)):
        until(lambda: waiting(shop) + waiting(neighbour) == 0)
    for project in (shop, neighbour):
        assert sum(stored(project).values()) == 70


def test_who_does_not_hold_the_project_admits_no_more_either(shop: Project) -> None:
    """Three processes, four issues of which each makes the buckets; 300 events, 50 for each issue, 170 in all."""
    limits(shop, issue=50, project=170)
    racers = [start(RACER, shop.id, 1000 * number, 20) for number in range(1, 4)]
    with running(*racers):
        for racer in racers:
            go(racer)
        for racer in racers:
            end_of(racer)

    assert outcomes(shop) == {"stored": 170, "rate_limited/issue": 100, "rate_limited/project": 30}
    assert max(stored(shop).values()) <= 50
    buckets = RateLimitBucket.objects.filter(environment_id=shop.id)
    assert [row.tokens for row in buckets] == [0] * 5


def test_rows_that_are_processed_alone_race_with_a_worker(shop: Project) -> None:
    """The child charges event by event, in a transaction of its own, what another process charges at the same time."""
    limits(shop, issue=10_000, project=60)
    send(shop, *of("E0"), *of("E1"), *of("E2"), *of("E3"))
    for number in range(12):
        queue(shop, *of(f"E{number % 4}", 3), isolated=True)
    racer = start(RACER, shop.id, 1000, 12)
    with running(racer):
        go(racer)

        def process_what_waits() -> bool:
            with lease.hold(shop.id) as held:
                assert held
                parent.process_alone(lease.take(shop.id), threading.Event())
            return waiting(shop) == 0

        until(process_what_waits)  # a row that met the racer in a deadlock is parked for some seconds
        end_of(racer)

    assert outcomes(shop) == {"stored": 60, "rate_limited/project": 40}
    connection.close()
