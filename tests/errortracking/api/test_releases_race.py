"""Two writers of one hash id, over real HTTP and on two connections: one wins, the other is told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
import requests
from django.db import connection

from environments.ids import uuid7
from errortracking.models import Release, SymbolSet
from tests.environments.world import World, make_world
from tests.errortracking.api.making import CREATED, make_release

pytestmark = pytest.mark.django_db(transaction=True)
TAKEN = {
    "type": "validation_error",
    "code": "release_hash_in_use",
    "detail": "Hash id abc already in use",
    "attr": None,
}


@pytest.fixture
def settled() -> World:
    """A world that is committed, so that the server's threads see it."""
    return make_world()


@pytest.fixture
def rival() -> Iterator[psycopg.Connection[Any]]:
    """A connection of another writer."""
    settings = connection.settings_dict
    options = {"dbname": settings["NAME"], "host": settings["HOST"], "user": settings["USER"], "port": settings["PORT"]}
    with psycopg.connect(**{name: value for name, value in options.items() if value}) as other:
        yield other


def insert(rival: psycopg.Connection[Any], world: World) -> None:
    """Insert the hash without committing."""
    rival.execute(
        "INSERT INTO errortracking_release (environment_id, id, hash_id, created_at, version, project)"
        " VALUES (%s, %s, 'abc', %s, '1', 'rival')",
        [world.project.pk, uuid7(), CREATED],
    )


def send(url: str, world: World, method: str, path: str, body: dict[str, str]) -> requests.Response:
    address = f"{url}/api/environments/{world.project.pk}/error_tracking/releases/{path}"
    headers = {"Authorization": f"Bearer {world.key('*')}"}
    return requests.request(method, address, json=body, headers=headers, timeout=60)


def wait_until_blocked(rival: psycopg.Connection[Any], request: Future[requests.Response]) -> None:
    """Wait until the server's transaction waits for the rival's."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with psycopg.connect(rival.info.dsn, autocommit=True) as looker:
        end = monotonic() + 60
        while not looker.execute(waiting, [rival.info.backend_pid]).fetchone()[0]:  # type: ignore[index]
            assert not request.done(), request.result().text
            assert monotonic() < end
            sleep(0.01)


@pytest.mark.parametrize(("ending", "status"), [("commit", 400), ("rollback", 201)])
def test_a_create_waits_for_the_other_and_then_knows(
    live_server: Any, settled: World, rival: psycopg.Connection[Any], ending: str, status: int
) -> None:
    insert(rival, settled)
    with ThreadPoolExecutor(1) as pool:
        body = {"version": "1", "project": "web", "hash_id": "abc"}
        request = pool.submit(send, live_server.url, settled, "POST", "", body)
        wait_until_blocked(rival, request)
        getattr(rival, ending)()
        response = request.result()
    assert response.status_code == status
    if status == 400:
        assert response.json() == TAKEN
    assert Release.objects.filter(environment=settled.project, hash_id="abc").count() == 1


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_update_waits_for_the_other_and_then_knows(
    live_server: Any, settled: World, rival: psycopg.Connection[Any], method: str
) -> None:
    release = make_release(settled.project, hash_id="mine")
    insert(rival, settled)
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(send, live_server.url, settled, method, f"{release.id}/", {"hash_id": "abc"})
        wait_until_blocked(rival, request)
        rival.commit()
        response = request.result()
    assert (response.status_code, response.json()) == (400, TAKEN)
    release.refresh_from_db()
    assert release.hash_id == "mine"


def test_of_many_creates_at_once_exactly_one_wins(live_server: Any, settled: World) -> None:
    body = {"version": "1", "project": "web", "hash_id": "abc"}
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(send, live_server.url, settled, "POST", "", body) for _ in range(6)]
        responses = [request.result() for request in sent]
    assert sorted(response.status_code for response in responses) == [201, 400, 400, 400, 400, 400]
    assert all(response.json() == TAKEN for response in responses if response.status_code == 400)


def test_a_release_is_deleted_once_a_batch_is_done_that_uses_it_and_its_symbol_sets(
    live_server: Any, settled: World, rival: psycopg.Connection[Any]
) -> None:
    """Batches keep sets from going first, and then their release: whoever deletes must not come from the other end."""
    release = make_release(settled.project)
    SymbolSet.objects.create(environment=settled.project, ref="chunk-1", release=release)
    keep = "SELECT 1 FROM errortracking_{} WHERE environment_id = %s FOR KEY SHARE"
    rival.execute(keep.format("symbolset"), [settled.project.pk])
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(send, live_server.url, settled, "DELETE", f"{release.id}/", {})
        wait_until_blocked(rival, request)
        rival.execute(keep.format("release"), [settled.project.pk])
        rival.commit()
        assert request.result().status_code == 204
    assert not SymbolSet.objects.filter(environment=settled.project).exists()
