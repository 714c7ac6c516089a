"""posthog-cli works against a running server: every call of pipeline 6.2, in its order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests

from tests.errortracking.symbols.cli import Chunk, Cli, CliError, Summary
from tests.live import LiveServer

_numbers = count(1)


@pytest.fixture
def cli(server: LiveServer) -> Cli:
    """The program, for a project of its own."""
    made = server.bootstrap(email=f"builder{next(_numbers)}@example.com", project="web", scopes="error_tracking:write")
    return Cli(server.url, made["environment_id"], made["personal_api_key"])


def sets(cli: Cli) -> dict[str, Any]:
    """Return what the server shows of each set, by its ref."""
    url: str | None = f"{cli.url}/api/projects/{cli.project}/error_tracking/symbol_sets/?limit=100"
    rows: list[dict[str, Any]] = []
    count = None
    while url:
        page = requests.get(url, headers={"Authorization": f"Bearer {cli.key}"}, timeout=60).json()
        rows += page["results"]
        count, url = page["count"], page["next"]
    assert count == len(rows)
    return {row["ref"]: row for row in rows}


def calls(cli: Cli) -> Iterator[tuple[str, str, int]]:
    """Yield the calls since the last look, paths without what differs from project to project."""
    root = f"/api/projects/{cli.project}/error_tracking/"
    for method, path, status in cli.calls:
        yield method, path.removeprefix(root), status
    cli.calls.clear()


def test_a_build_is_uploaded_and_the_next_one_sends_nothing(cli: Cli) -> None:
    hash_id = hashlib.sha512(b"web1.0").hexdigest()
    release = cli.release("web", "1.0", {"branch": "main", "commit_id": "c0ffee"})
    chunks = [Chunk("chunk-a", b"aaaa", release), Chunk("chunk-b", os.urandom(3_000_000), release)]
    assert cli.upload(chunks) == Summary(uploaded=2)
    assert list(calls(cli)) == [
        ("GET", f"releases/hash/{hash_id}", 404),
        ("POST", "releases", 201),
        ("POST", "symbol_sets/bulk_check_upload", 200),
        ("POST", "symbol_sets/bulk_start_upload", 201),
        ("POST", "/symbolsets/upload", 204),
        ("POST", "/symbolsets/upload", 204),
        ("POST", "symbol_sets/bulk_finish_upload", 201),
    ]
    found = sets(cli)
    assert {ref: (row["has_uploaded_file"], row["release"]["version"]) for ref, row in found.items()} == {
        "chunk-a": (True, "1.0"),
        "chunk-b": (True, "1.0"),
    }
    assert [cli.download(chunk.chunk_id) == chunk.data for chunk in chunks] == [True, True]
    cli.calls.clear()

    assert cli.release("web", "1.0") == release
    assert cli.upload(chunks) == Summary(already_there=2)
    assert list(calls(cli)) == [
        ("GET", f"releases/hash/{hash_id}", 200),
        ("POST", "symbol_sets/bulk_check_upload", 200),
    ]
    assert sets(cli) == found


def test_a_version_that_does_not_ask_first_is_told_by_the_start(cli: Cli) -> None:
    cli.checks = False
    chunks = [Chunk("a", b"1"), Chunk("b", b"2")]
    assert cli.upload(chunks[:1]) == Summary(uploaded=1)
    assert cli.upload(chunks) == Summary(uploaded=1, already_there=1)
    cli.calls.clear()
    assert cli.upload(chunks) == Summary(already_there=2)
    assert list(calls(cli)) == [
        ("POST", "symbol_sets/bulk_start_upload", 201),
        ("POST", "symbol_sets/bulk_finish_upload", 201),
    ]


def test_other_content_is_refused_kept_or_replaced(cli: Cli) -> None:
    cli.upload([Chunk("a", b"old")])
    with pytest.raises(CliError) as refusal:
        cli.upload([Chunk("a", b"new")])
    assert (refusal.value.status, refusal.value.code) == (400, "content_hash_mismatch")
    assert cli.upload([Chunk("a", b"new")], skip_on_conflict=True) == Summary(already_there=1)
    assert cli.download("a") == b"old"
    assert cli.upload([Chunk("a", b"new")], force=True) == Summary(uploaded=1)
    assert cli.download("a") == b"new"


def test_a_hash_of_the_clients_own_choice_decides(cli: Cli) -> None:
    """Newer versions leave out of the hash what differs between builds of the same code."""
    cli.upload([Chunk("a", b"code 1", content_hash="same")])
    assert cli.upload([Chunk("a", b"code 2", content_hash="same")]) == Summary(already_there=1)
    assert cli.download("a") == b"code 1"


def test_a_set_of_another_release_is_uploaded_without_one(cli: Cli) -> None:
    first, second = cli.release("web", "1.0"), cli.release("web", "2.0")
    cli.upload([Chunk("shared", b"s", first)])
    chunks = [Chunk("shared", b"s", second), Chunk("new", b"n", second)]
    with pytest.raises(CliError) as refusal:
        cli.upload(chunks)
    assert refusal.value.code == "release_id_mismatch"
    assert cli.upload(chunks, skip_release_on_fail=True) == Summary(uploaded=1, already_there=1)
    bound = {ref: row["release"] and row["release"]["id"] for ref, row in sets(cli).items()}
    assert bound == {"shared": first, "new": None}
    assert cli.upload(chunks[1:]) == Summary(already_there=1)  # joins: nothing has to be sent
    assert sets(cli)["new"]["release"]["id"] == second


def test_many_chunks_go_in_batches(cli: Cli) -> None:
    chunks = [Chunk(f"chunk-{number}", b"%d" % number) for number in range(120)]
    assert cli.upload(chunks) == Summary(uploaded=120)
    starts = [status for _, path, status in calls(cli) if path == "symbol_sets/bulk_start_upload"]
    assert starts == [201, 201, 201]
    assert len(sets(cli)) == 120


def test_an_upload_that_broke_off_is_taken_up_again(cli: Cli) -> None:
    chunks = [Chunk("a", b"1"), Chunk("b", b"2")]

    class Unplugged(Exception):
        pass

    def unplug(*_: Any) -> None:
        raise Unplugged

    with pytest.MonkeyPatch.context() as unplugged:
        unplugged.setattr(cli, "_send", unplug)
        with pytest.raises(Unplugged):
            cli.upload(chunks)
    assert {ref: row["has_uploaded_file"] for ref, row in sets(cli).items()} == {"a": False, "b": False}
    assert cli.upload(chunks) == Summary(uploaded=2)
    assert cli.download("b") == b"2"


def test_versions_of_before_upload_in_three_steps_or_in_one(cli: Cli) -> None:
    release = cli.release("web", "1.0")
    cli.calls.clear()
    cli.upload_one(Chunk("three", b"3", release))
    cli.upload_at_once(Chunk("one", b"1", release))
    assert [(method, status) for method, _, status in calls(cli)] == [
        ("POST", 201),
        ("POST", 204),
        ("PUT", 200),
        ("POST", 201),
    ]
    assert {ref: row["release"]["id"] for ref, row in sets(cli).items()} == {"three": release, "one": release}
    assert (cli.download("three"), cli.download("one")) == (b"3", b"1")


def test_a_key_that_may_only_read_uploads_nothing(server: LiveServer, cli: Cli) -> None:
    made = server.bootstrap(email="reader@example.com", project="web", scopes="error_tracking:read")
    reader = Cli(server.url, made["environment_id"], made["personal_api_key"])
    with pytest.raises(CliError) as refusal:
        reader.upload([Chunk("a", b"1")])
    assert (refusal.value.status, refusal.value.code) == (403, "permission_denied")
    with pytest.raises(CliError) as refusal:
        reader.upload_at_once(Chunk("a", b"1"))
    assert refusal.value.status == 403
    assert sets(reader) == {}
