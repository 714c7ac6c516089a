"""Several builds that upload the same chunks at the same time, over real HTTP and on several connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from errortracking.models import SymbolSet
from tests.environments.world import World, make_world
from tests.errortracking.api.uploading import HASH
from tests.errortracking.symbols.cli import Chunk, Cli

pytestmark = pytest.mark.django_db(transaction=True)
BUILDS = 6


@pytest.fixture
def settled() -> World:
    """A world that is committed, so that the server's threads see it."""
    return make_world()


def start(url: str, world: World, key: str, refs: list[str]) -> requests.Response:
    address = f"{url}/api/projects/{world.project.pk}/error_tracking/symbol_sets/bulk_start_upload"
    body = {"symbol_sets": [{"chunk_id": ref, "content_hash": HASH} for ref in refs]}
    return requests.post(address, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def test_all_of_them_may_upload_and_each_chunk_is_one_set(live_server: Any, settled: World) -> None:
    """Whatever the order in which they name the chunks: nobody waits in a circle, and nobody is told to come again."""
    refs = [f"chunk-{number}" for number in range(40)]
    key = settled.key("*")
    with ThreadPoolExecutor(BUILDS) as pool:
        orders = [refs if build % 2 else refs[::-1] for build in range(BUILDS)]
        answers = list(pool.map(lambda order: start(live_server.url, settled, key, order), orders))
    assert [response.status_code for response in answers] == [201] * BUILDS, answers[0].text
    rows = {row.ref: row for row in SymbolSet.objects.filter(environment=settled.project)}
    assert sorted(rows) == sorted(refs)
    keys: dict[str, list[str]] = {ref: [] for ref in refs}
    for response in answers:
        for ref, started in response.json()["id_map"].items():
            assert started["symbol_set_id"] == str(rows[ref].id)
            keys[ref].append(started["presigned_url"]["fields"]["key"])
    for ref, given in keys.items():
        assert given == [rows[ref].storage_ptr] * BUILDS  # the same data: none may take the others' place away


def test_all_of_them_upload_the_same_chunks_whoever_ends_first(live_server: Any, settled: World) -> None:
    chunks = [Chunk(f"chunk-{number}", b"data %d" % number) for number in range(20)]
    key = settled.key("*")
    together = Barrier(BUILDS)

    def build(number: int) -> int:
        cli = Cli(live_server.url, settled.project.pk, key)
        together.wait(60)
        return cli.upload(chunks if number % 2 else chunks[::-1]).already_there

    with ThreadPoolExecutor(BUILDS) as pool:
        already_there = list(pool.map(build, range(BUILDS)))
    assert min(already_there) == 0
    rows = SymbolSet.objects.filter(environment=settled.project)
    assert dict(rows.values_list("ref", "content_hash")) == {chunk.chunk_id: chunk.hash for chunk in chunks}
    cli = Cli(live_server.url, settled.project.pk, key)
    assert [cli.download(chunk.chunk_id) for chunk in chunks] == [chunk.data for chunk in chunks]
