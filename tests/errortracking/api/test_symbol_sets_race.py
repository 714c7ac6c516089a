"""Several builds that upload the same chunks at the same time, over real HTTP and on several connections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from errortracking.models import SymbolSet
from tests.environments.world import World, make_world
from tests.errortracking.api.uploading import HASH

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
        assert len(set(given)) == BUILDS  # what is under a key never changes, so nobody shares one
        assert rows[ref].storage_ptr in given
