"""A server with a bucket: clients upload to the store and download from it, and nothing passes through the server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.errortracking.symbols.cli import Chunk, Cli, Summary
from tests.errortracking.symbols.storing import Bucket, object_server, object_store
from tests.live import LiveServer, live_server

__all__ = ["object_server", "object_store"]

DATA = bytes(range(256)) * 4096 * 3


@pytest.fixture
def server_with_bucket(object_store: Bucket) -> Iterator[LiveServer]:
    with live_server(workers=0, **object_store.environment(), HEALTHTRACK_S3_PREFIX="prod") as server:
        yield server


def test_builds_go_to_the_bucket_and_come_from_there(server_with_bucket: LiveServer, object_store: Bucket) -> None:
    server = server_with_bucket
    made = server.bootstrap(scopes="error_tracking:write")
    cli = Cli(server.url, made["environment_id"], made["personal_api_key"])
    assert cli.upload([Chunk("a", DATA), Chunk("b", b"small")]) == Summary(uploaded=2)
    cli.upload_at_once(Chunk("c", b"in one step"))
    assert [path for _, path, _ in cli.calls if path == f"/{object_store.name}"] == [f"/{object_store.name}"] * 2
    assert not [path for _, path, _ in cli.calls if path.startswith("/symbolsets/")]
    names = object_store.names()
    assert len(names) == 3
    assert all(name.startswith(f"prod/{made['environment_id']}/symbolsets/") for name in names)
    assert [cli.download(ref) for ref in "abc"] == [DATA, b"small", b"in one step"]
    with psycopg.connect(server.database_url or "") as connection:
        assert connection.execute("SELECT count(*) FROM errortracking_symbolchunk").fetchone() == (0,)
