"""Whatever is killed, every acknowledged event ends in exactly one outcome.

5,000 events are accepted; then workers are killed (SIGKILL) twenty times at seeded random moments of their work on that
backlog, and PostgreSQL twice under a working one. In the end each uuid is looked up, and each counter.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from runtime.postgres import Cluster
from tests.runtime.conftest import open_folder

CHECKOUT = Path(__file__).resolve().parent.parent.parent
EVENTS = 5_000
WORKER_KILLS = 20
DATABASE_KILLS = (6, 13)  # after which kill of a worker
SEED = 20261122
LONGEST_WAIT = 0.35  # seconds before a kill, from the moment that was waited for: a batch or two take about that long
PATIENCE = 120.0

# Accepts the events through the function that requests go through, and says so. Among them are events that are only
# counted, uuids that were sent before, and two that PostgreSQL refuses, which make their batches fail.
FEEDER = """
import sys
from collections import Counter
import django
django.setup()
from environments import clock
from environments.models import Organization, Project
from errortracking.ingest.queue import enqueue
from errortracking.ingest.wire import Accepted
from tests.errortracking.test_kill import event

project = Project.objects.create(organization=Organization.objects.create(name="Acme"), name="shop")
events, number = int(sys.argv[1]), 0
while number < events:
    size = min(1 + number % 9, events - number)
    entries = [event(each) for each in range(number, number + size)]
    enqueue(project.id, Accepted(project.api_token, entries), received_at=clock.now(), ip=None, user_agent=None)
    number += size
print(project.id)
"""

WORKER = """
import threading
import django
django.setup()
from errortracking.pipeline import worker
print("working", flush=True)
worker.run(threading.Event())
"""


def uuid_of(number: int) -> UUID:
    return UUID(int=0x0190F5A0_0000_7000_8000_000000000000 + number)


def is_counted(number: int) -> bool:
    return number % 50 == 7


def is_sent_again(number: int) -> bool:
    return number % 40 == 20


def is_refused(number: int) -> bool:
    return number in (2001, 4401)


def event(number: int) -> dict[str, Any]:
    """Return the event of this number: an exception of one of 40 issues and 300 users, with 5 of 90 frames."""
    frames = [
        {
            "platform": "python",
            "filename": f"shop/module_{(number * 7 + each) % 90}.py",
            "function": "handle",
            "lineno": 10 + each,
            "in_app": True,
        }
        for each in range(5)
    ]
    exception = {
        "type": f"Error{number % 40}",
        "value": "failed",
        "stacktrace": {"type": "raw", "frames": frames if number % 3 else []},
    }
    return {
        "event": "$pageview" if is_counted(number) else "$exception",
        "uuid": str(uuid_of(number - 1 if is_sent_again(number) else number)),
        "distinct_id": f"user {number % 300}" + ("\0" if is_refused(number) else ""),
        "timestamp": None,
        "offset": None,
        "properties": {"$lib": "posthog-python", "$lib_version": "7.91.1", "$exception_list": [exception]},
    }


def python(*arguments: str, url: str, **options: Any) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HEALTHTRACK_SQL_GUARD": "1",
        "PYTHONPATH": str(CHECKOUT),
    }
    return subprocess.Popen([sys.executable, *arguments], env=environment, cwd=CHECKOUT, text=True, **options)


def finished(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return out or ""


@contextmanager
def a_worker(url: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a worker that has begun to work; it is killed at the end of the block."""
    with log.open("a") as errors:
        process = python("-c", WORKER, url=url, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "working\n", log.read_text()
        try:
            yield process
        finally:
            process.kill()


def one(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def all_of(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def waiting(url: str) -> int:
    return int(one(url, "SELECT coalesce(sum(events), 0) FROM errortracking_queuedrequest"))


def last_lease(url: str) -> Any:
    return one(url, "SELECT max(lease::text) FROM errortracking_queuedrequest")


def until(question: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def linger(seconds: float, url: str, kills_left: int) -> None:
    """Let the worker work for so long, but leave something to do for the kills to come, on a fast machine too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and waiting(url) > 200 * kills_left:
        time.sleep(0.005)


def kill_the_database(cluster: Cluster) -> None:
    pid = cluster.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while cluster.is_running():
        time.sleep(0.01)
    cluster.ensure_running()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this test's own that keeps what it has committed, with the tables made."""
    with open_folder() as folder:
        made = Cluster(folder)
        with made as url:
            finished(python("-m", "django", "migrate", "-v0", "--skip-checks", url=url))
            yield made


def test_every_acknowledged_event_has_exactly_one_outcome_whatever_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    url, log, moments = cluster.url, tmp_path / "log", random.Random(SEED)
    finished(python("-c", FEEDER, str(EVENTS), url=url, stdout=subprocess.PIPE))
    assert waiting(url) == EVENTS

    left_at_kill = []
    for number in range(WORKER_KILLS):
        lease, left = last_lease(url), waiting(url)
        with a_worker(url, log) as worker:
            if number % 3 == 1:  # in the middle of something
                until(lambda: last_lease(url) != lease, log)  # noqa: B023  # asked at once
            elif number % 3 == 2:  # … and after something was done, so that there is progress on a slow machine too
                until(lambda: waiting(url) != left, log)  # noqa: B023
            linger(moments.uniform(0, LONGEST_WAIT), url, kills_left=WORKER_KILLS - 1 - number)
            if number in DATABASE_KILLS:
                kill_the_database(cluster)
                time.sleep(moments.uniform(0.2, 0.2 + LONGEST_WAIT))
            assert worker.poll() is None, log.read_text()  # a worker never ends by itself
        left_at_kill.append(waiting(url))  # each kill was in a backlog if the last one was

    assert left_at_kill[-1] > 0, "the backlog was empty before the last kill"
    assert left_at_kill[-1] < EVENTS, "no worker lived long enough to do anything"
    with a_worker(url, log), a_worker(url, log):
        until(lambda: waiting(url) == 0, log)
    _look_up_every_event(url)


def _look_up_every_event(url: str) -> None:
    exceptions = {uuid_of(n) for n in range(EVENTS) if not is_counted(n) and not is_sent_again(n)}
    again = sum(is_sent_again(n) for n in range(EVENTS))
    # An event that is sent again after one that was only counted is the first of its uuid.
    firsts = {uuid_of(n - 1) for n in range(EVENTS) if is_sent_again(n) and is_counted(n - 1)}
    refused = {uuid_of(n) for n in range(EVENTS) if is_refused(n)}
    counted = sum(is_counted(n) and not is_sent_again(n) for n in range(EVENTS))
    expected = (exceptions | firsts) - refused

    stored = Counter(row[0] for row in all_of(url, "SELECT id FROM errortracking_event"))
    aside = Counter(row[0] for row in all_of(url, "SELECT event_uuid FROM errortracking_setasideevent"))
    assert stored == Counter(dict.fromkeys(expected, 1))
    assert aside == Counter(dict.fromkeys(refused, 1))

    outcomes = dict(all_of(url, "SELECT outcome, sum(count)::int FROM errortracking_outcomecount GROUP BY outcome"))
    assert outcomes == {
        "stored": len(expected),
        "set_aside": len(refused),
        "counted": counted,
        "duplicate": again - len(firsts),
    }
    assert sum(outcomes.values()) == EVENTS
    assert one(url, "SELECT sum(occurrences)::int FROM errortracking_issuestatistics") == len(expected)
    assert one(url, "SELECT sum(occurrences)::int FROM errortracking_fingerprintstatistics") == len(expected)
    assert one(url, "SELECT sum(count)::int FROM errortracking_eventcount") == len(expected) + counted
    # All issues are of one project, so an issue's users are those of its fingerprint.
    pairs = one(url, "SELECT count(*) FROM errortracking_fingerprintuser")
    assert one(url, "SELECT sum(users)::int FROM errortracking_issuestatistics") == pairs
