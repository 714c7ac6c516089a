"""POST …/symbol_sets/?chunk_id= and …/start_upload/?chunk_id= of old posthog-cli versions (contract 10)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import MULTIPART_CONTENT, encode_multipart

from environments.models import AuditEntry
from errortracking.models import StackFrame, SymbolSet
from errortracking.symbols.storage import storage
from tests.environments.world import Api, ClientResponse, World, answer
from tests.errortracking.api.making import make_frame, make_release, make_symbol_set
from tests.errortracking.api.uploading import (
    HASH,
    SUCCESS,
    UNKNOWN,
    asked_again,
    bare,
    make_uploaded,
    refused,
    send,
    symbol_sets,
)

__all__ = ["symbol_sets"]

BOUNDARY = "BoUnDaRyStRiNg"


def posted(symbol_sets: Api, query: str, data: bytes | None = b"data", name: str = "file") -> ClientResponse:
    """Upload as those clients do; without ``data`` a form that has another field only."""
    fields: dict[str, Any] = {"other": "x"} if data is None else {name: SimpleUploadedFile("chunk", data)}
    body = encode_multipart(BOUNDARY, fields)
    return symbol_sets.post(query, body, content_type=MULTIPART_CONTENT)


def content(row: SymbolSet) -> bytes:
    assert row.storage_ptr is not None
    return b"".join(storage().read(row.environment_id, row.storage_ptr))


def test_one_request_uploads_a_set(world: World, symbol_sets: Api) -> None:
    release = make_release(world.project)
    data = b"\x00\xff" * 800_000
    query = f"?chunk_id=a&multipart=true&release_id={release.id}"
    assert answer(posted(symbol_sets, query, data)) == (201, {"ok": True})
    row = SymbolSet.objects.get(environment=world.project)
    assert (row.ref, row.release_id, row.content_hash) == ("a", release.id, hashlib.sha512(data).hexdigest())
    assert content(row) == data
    assert asked_again(world.project) == [["a"]]
    actions = AuditEntry.objects.filter(environment_id=world.project.pk).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["create", "create"]  # begun, and finished


def test_it_replaces_what_is_there(world: World, symbol_sets: Api) -> None:
    old = make_uploaded(world.project, b"old", ref="a")
    make_frame(world.project, symbol_set=old)
    assert answer(posted(symbol_sets, "?chunk_id=a", b"new")) == (201, {"ok": True})
    row = SymbolSet.objects.get(environment=world.project)
    assert (row.id, content(row), row.content_hash) == (old.id, b"new", hashlib.sha512(b"new").hexdigest())
    assert not StackFrame.objects.filter(environment=world.project).exists()


def test_the_same_again_is_saved_again(world: World, symbol_sets: Api) -> None:
    for _ in range(2):
        assert answer(posted(symbol_sets, "?chunk_id=a")) == (201, {"ok": True})
    assert content(SymbolSet.objects.get(environment=world.project)) == b"data"


def test_a_failed_fetch_gives_way(world: World, symbol_sets: Api) -> None:
    make_symbol_set(world.project, ref="a", failure_reason="{}")
    assert posted(symbol_sets, "?chunk_id=a").status_code == 201
    assert SymbolSet.objects.get(environment=world.project).failure_reason is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", bare("chunk_id query parameter is required")),
        ("?chunk_id=", bare("chunk_id query parameter is required")),
        (
            "?chunk_id=%00",
            refused("null_characters_not_allowed", "Null characters are not allowed.", "chunk_id"),
        ),
        (
            f"?chunk_id={'x' * 2049}",
            refused("max_length", "Ensure this field has no more than 2048 bytes.", "chunk_id"),
        ),
        ("?chunk_id=a&release_id=x", refused("invalid_release_id", "Invalid release ID provided: x")),
        (
            f"?chunk_id=a&release_id={UNKNOWN}",
            refused("invalid_release_id", f"Unknown release ID provided: {UNKNOWN}"),
        ),
    ],
)
def test_what_is_wrong_in_the_query_is_told_and_makes_nothing(
    world: World, symbol_sets: Api, query: str, expected: Any
) -> None:
    assert answer(posted(symbol_sets, query)) == expected
    assert answer(symbol_sets.post(f"start_upload/{query}")) == expected
    assert not SymbolSet.objects.filter(environment=world.project).exists()


def test_without_a_file_it_is_a_400(world: World, symbol_sets: Api) -> None:
    """1.4: a bare detail."""
    for response in (
        posted(symbol_sets, "?chunk_id=a", None),
        posted(symbol_sets, "?chunk_id=a", b""),
        posted(symbol_sets, "?chunk_id=a", name="minified"),
        symbol_sets.post("?chunk_id=a"),
        symbol_sets.post("?chunk_id=a", {"file": "data"}),
    ):
        assert answer(response) == bare("file is required")
    assert not SymbolSet.objects.filter(environment=world.project).exists()


@pytest.mark.parametrize("path", ["", "start_upload/"])
def test_a_set_of_a_release_never_moves_to_another(world: World, symbol_sets: Api, path: str) -> None:
    release, other = make_release(world.project), make_release(world.project)
    old = make_uploaded(world.project, b"old", ref="a", release=release)
    expected = refused("release_id_mismatch", "Symbol set a already has a release ID")
    query = f"{path}?chunk_id=a&release_id={other.id}"
    assert answer(posted(symbol_sets, query) if not path else symbol_sets.post(query)) == expected
    old.refresh_from_db()
    assert (old.content_hash, content(old)) == (HASH, b"old")


def test_an_upload_in_three_steps(world: World, symbol_sets: Api) -> None:
    status, begun = answer(symbol_sets.post("start_upload/?chunk_id=a"))
    row = send(world.project, "a", b"data")
    assert (status, begun["symbol_set_id"]) == (201, str(row.id))
    assert sorted(begun["presigned_url"]) == ["fields", "url"]
    assert begun["presigned_url"]["fields"]["key"] == row.storage_ptr
    assert row.content_hash is None
    assert answer(symbol_sets.put(f"{row.id}/finish_upload/", {"content_hash": HASH})) == (200, SUCCESS)
    row.refresh_from_db()
    assert row.content_hash == HASH


def test_a_start_replaces_what_is_there_once_it_is_finished(world: World, symbol_sets: Api) -> None:
    old = make_uploaded(world.project, ref="a")
    assert symbol_sets.post("start_upload/?chunk_id=a").status_code == 201
    row = SymbolSet.objects.get(environment=world.project)
    assert (row.id, row.content_hash) == (old.id, None)
    assert row.storage_ptr != old.storage_ptr
