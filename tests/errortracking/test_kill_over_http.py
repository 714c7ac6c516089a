"""Whatever is killed under a running server, what its clients saw acknowledged ends in exactly one outcome.

Clients send exceptions over HTTP, and each request again, with the same uuids, until it is answered with 200. Meanwhile
web, worker and database processes are killed (SIGKILL) at seeded random moments, and the supervisor starts them again.
In the end each uuid is looked up.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.live import PATIENCE, LiveServer, live_server

CLIENTS = 3
SEED = 20261123
EVENTS = 20_000
ROLES = ("web", "worker", "database")
# Of each role. In rounds, one of each in a random order: a process that died within five seconds is started again after
# a pause that doubles, and one role killed over and over would be away for most of the test.
ROUNDS = 7
# Seconds between requests of a client that has sent its share. The kills may take five minutes, as processes that died
# soon are started again later and later; by then 200,000 events of 20 issues would be above the limit of an issue.
SLOWLY = 0.1
SHORTEST_WAIT, LONGEST_WAIT = 0.2, 1.2  # seconds before a kill, from the moment all processes are there


class Client:
    """One sender. It goes on until it is told to stop and has sent its share, and its last request is acknowledged."""

    def __init__(self, server: LiveServer, token: str, number: int) -> None:
        self.url = f"{server.url}/batch/"
        self.token = token
        self.number = number
        self.acknowledged: list[UUID] = []
        self.failed: Counter[str] = Counter()  # requests that had to be sent again, by what came instead of a 200
        self._random = random.Random(SEED + number)

    def run(self, stop: threading.Event) -> None:
        """Send one request after the other."""
        events = self._events()
        with requests.Session() as session:
            while (owes := len(self.acknowledged) < EVENTS / CLIENTS) or not stop.is_set():
                self._send(session, [next(events) for _ in range(self._random.randint(1, 8))])
                time.sleep(0.01 if owes else SLOWLY)

    def _events(self) -> Iterator[dict[str, Any]]:
        for number in count():
            exception = {"type": f"Error{number % 20}", "value": "failed"}
            yield {
                "event": "$exception",
                "uuid": str(UUID(int=0x0190F5A0_0000_7000_8000_000000000000 + (self.number << 32) + number)),
                "distinct_id": f"user {number % 50}",
                "properties": {"$lib": "posthog-python", "$lib_version": "7.91.1", "$exception_list": [exception]},
            }

    def _send(self, session: requests.Session, events: list[dict[str, Any]]) -> None:
        deadline = time.monotonic() + PATIENCE
        while (answer := self._try(session, events)) != "200":
            assert answer in ("ConnectionError", "503"), answer
            assert time.monotonic() < deadline, self.failed
            self.failed[answer] += 1
            time.sleep(self._random.uniform(0.02, 0.1))
        self.acknowledged += [UUID(event["uuid"]) for event in events]

    def _try(self, session: requests.Session, events: list[dict[str, Any]]) -> str:
        try:
            answer = session.post(self.url, json={"api_key": self.token, "batch": events}, timeout=20)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return "ConnectionError"
        return str(answer.status_code)


def rows(server: LiveServer, query: str) -> list[list[str]]:
    """Return what psql answers; the embedded database has no address that a test could connect to."""
    done = server.manage("pg", "psql", "-X", "-A", "-t", "-F", " ", "-v", "ON_ERROR_STOP=1", "-c", query)
    return [line.split(" ") for line in done.stdout.splitlines()]


def uuids(server: LiveServer, query: str) -> Counter[UUID]:
    return Counter(UUID(value) for (value,) in rows(server, query))


def backlog(server: LiveServer) -> int | None:
    """Return how many requests wait; None while nobody can tell."""
    try:
        found: int = requests.get(f"{server.url}/readyz", timeout=20).json()["checks"]["backlog"]["requests"]
    except (requests.RequestException, KeyError):
        return None
    return found


def kill_at_random(server: LiveServer) -> None:
    """Kill one process after the other, each when all that were killed before are there again."""
    moments = random.Random(SEED)
    for _ in range(ROUNDS):
        for role in moments.sample(ROLES, len(ROLES)):
            time.sleep(moments.uniform(SHORTEST_WAIT, LONGEST_WAIT))
            server.wait_replaced(role, server.kill(role))


@pytest.mark.timeout(900)
def test_every_event_acknowledged_over_http_has_exactly_one_outcome_whatever_is_killed() -> None:
    with live_server(embedded=True) as server, ThreadPoolExecutor(CLIENTS) as pool:
        assert rows(server, "SHOW fsync") == [["on"]]
        token, stop = server.bootstrap()["project_token"], threading.Event()
        clients = [Client(server, token, number) for number in range(CLIENTS)]
        running = [pool.submit(client.run, stop) for client in clients]
        try:
            kill_at_random(server)
        finally:
            stop.set()
        for client in running:
            client.result()
        server.until(lambda: backlog(server) == 0)

        failed = sum((client.failed for client in clients), Counter[str]())
        assert failed["ConnectionError"] > 0, "no web process was killed under a request"
        assert failed["503"] > 0, "no request came while the database was away"
        acknowledged = Counter(uuid for client in clients for uuid in client.acknowledged)
        assert acknowledged.total() >= EVENTS
        _look_up_every_event(server, acknowledged)


def _look_up_every_event(server: LiveServer, acknowledged: Counter[UUID]) -> None:
    assert set(acknowledged.values()) == {1}
    assert uuids(server, "SELECT id FROM errortracking_event") == acknowledged
    assert uuids(server, "SELECT event_uuid FROM errortracking_setasideevent") == Counter()
    counted = rows(server, "SELECT outcome, sum(count) FROM errortracking_outcomecount GROUP BY outcome")
    outcomes = {outcome: int(number) for outcome, number in counted}
    outcomes.pop("duplicate", None)  # as many as requests whose acknowledgement was lost on the way
    assert outcomes == {"stored": acknowledged.total()}
    for table in ("issuestatistics", "fingerprintstatistics"):
        assert rows(server, f"SELECT sum(occurrences) FROM errortracking_{table}") == [[str(acknowledged.total())]]
