"""Requests over real HTTP, each on a connection of its own, that meet at one moment: when a rival's transaction ends.

def test_…(live_server, settled, rival):
    rival.execute("SELECT … FOR UPDATE", …)                        # or an INSERT that is not committed
    first, second = meet(rival, [lambda: send(…), lambda: send(…)])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any, Literal

import psycopg
import pytest
import requests
from django.db import connection

from tests.environments.world import World, make_world

PATIENCE = 60.0
Rival = psycopg.Connection[Any]
Send = Callable[[], requests.Response]


@pytest.fixture
def settled(transactional_db: None) -> World:
    """A world that is committed, so that the server's threads see it."""
    return make_world()


@pytest.fixture
def rival(transactional_db: None) -> Iterator[Rival]:
    """A connection that holds what the requests want."""
    settings = connection.settings_dict
    options = {"dbname": settings["NAME"], "host": settings["HOST"], "user": settings["USER"], "port": settings["PORT"]}
    with psycopg.connect(**{name: value for name, value in options.items() if value}) as other:
        yield other


def sender(server: Any, world: World, path: str) -> Callable[..., requests.Response]:
    """Return a function that sends one request, with a key of its own, relative to the project and ``path``."""
    key = world.key("*")

    def send(method: str, below: str = "", body: Any = None) -> requests.Response:
        address = f"{server.url}/api/environments/{world.project.pk}/{path}{below}"
        headers = {"Authorization": f"Bearer {key}"}
        return requests.request(method, address, json=body, headers=headers, timeout=PATIENCE)

    return send


def meet(rival: Rival, sends: list[Send], ending: Literal["commit", "rollback"] = "commit") -> list[requests.Response]:
    """Send all, wait until each waits for a lock, end the rival's transaction and return what they answer."""
    with ThreadPoolExecutor(len(sends)) as pool:
        answers = [pool.submit(send) for send in sends]
        try:
            _wait_until_blocked(rival, len(sends), lambda: any(answer.done() for answer in answers))
        except BaseException:
            rival.rollback()
            raise
        getattr(rival, ending)()
        return [answer.result() for answer in answers]


def all_at_once(number: int, send: Send) -> list[requests.Response]:
    """Send the same request from several threads and return what they answer."""
    with ThreadPoolExecutor(number) as pool:
        return [answer.result() for answer in [pool.submit(send) for _ in range(number)]]


def _wait_until_blocked(rival: Rival, number: int, ended: Callable[[], bool]) -> None:
    # Not pg_blocking_pids(rival): of two that want one row, the second waits for the first.
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(rival.info.dsn, autocommit=True) as looker:
        end = monotonic() + PATIENCE
        while looker.execute(waiting).fetchone()[0] < number:  # type: ignore[index]
            assert not ended(), "a request did not wait"
            assert monotonic() < end, "the requests never waited"
            sleep(0.01)
