"""POST …/symbol_sets/bulk_start_upload/ and …/bulk_check_upload/ (contract 10, pipeline 6.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from environments import clock
from environments.models import AuditEntry
from errortracking.models import SymbolGarbage, SymbolSet
from tests.environments.world import Api, World, answer
from tests.errortracking.api.making import make_release, make_symbol_set
from tests.errortracking.api.uploading import HASH, OTHER_HASH, UNKNOWN, begun, make_uploaded, refused, symbol_sets

__all__ = ["symbol_sets"]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EACH = pytest.mark.parametrize("path", ["bulk_start_upload", "bulk_check_upload"])


def stored(world: World) -> dict[str, tuple[Any, ...]]:
    """Return key, hash and release of each set by its ref."""
    rows = SymbolSet.objects.filter(environment=world.project)
    return {row.ref: (row.storage_ptr, row.content_hash, row.release_id) for row in rows}


def test_an_unknown_chunk_gets_a_set_and_an_address(world: World, symbol_sets: Api) -> None:
    with clock.stopped_at(NOON):
        id_map = begun(symbol_sets, {"chunk_id": "a", "release_id": None, "content_hash": HASH, "content_length": 4})
    row = SymbolSet.objects.get(environment=world.project)
    assert row.storage_ptr is not None
    assert list(id_map) == ["a"]
    assert id_map["a"]["symbol_set_id"] == str(row.id)
    assert id_map["a"]["presigned_url"]["url"].startswith("http://testserver/")
    assert id_map["a"]["presigned_url"]["fields"]["key"] == row.storage_ptr
    prefix, _, key = row.storage_ptr.partition("/")
    assert (prefix, UUID(key).version) == ("symbolsets", 7)
    # The hash counts once the data is there.
    assert (row.content_hash, row.failure_reason, row.created_at, row.last_used) == (None, None, NOON, NOON)


def test_only_what_is_missing_gets_an_address(world: World, symbol_sets: Api) -> None:
    """6.2, step 4: chunks already there with that hash are left out."""
    make_uploaded(world.project, ref="there")
    before = stored(world)
    id_map = begun(symbol_sets, *({"chunk_id": ref, "content_hash": HASH} for ref in ("there", "new", "newer")))
    assert sorted(id_map) == ["new", "newer"]
    assert stored(world)["there"] == before["there"]


def test_nothing_to_upload_is_no_mistake(symbol_sets: Api) -> None:
    assert answer(symbol_sets.post("bulk_start_upload", {})) == (201, {"id_map": {}})
    assert answer(symbol_sets.post("bulk_start_upload", {"symbol_sets": []})) == (201, {"id_map": {}})
    assert answer(symbol_sets.post("bulk_check_upload", {})) == (200, {"chunk_ids_to_upload": []})


def test_old_clients_name_chunks_of_one_release(world: World, symbol_sets: Api) -> None:
    release = make_release(world.project)
    id_map = begun(symbol_sets, chunk_ids=["a", "b"], release_id=str(release.id))
    assert sorted(id_map) == ["a", "b"]
    assert {release_id for _, _, release_id in stored(world).values()} == {release.id}


def test_a_reference_comes_back_as_it_was_sent(symbol_sets: Api) -> None:
    refs = ["  a ", "https://x.test/app.js?v=1#é", "x" * 2048, "é" * 1024]
    assert sorted(begun(symbol_sets, *({"chunk_id": ref} for ref in refs))) == sorted(refs)


# ---- what is there already


def test_a_pending_upload_is_begun_anew_with_another_key(world: World, symbol_sets: Api) -> None:
    first = begun(symbol_sets, {"chunk_id": "a", "content_hash": HASH})["a"]
    second = begun(symbol_sets, {"chunk_id": "a", "content_hash": OTHER_HASH})["a"]
    old_key, new_key = (item["presigned_url"]["fields"]["key"] for item in (first, second))
    assert first["symbol_set_id"] == second["symbol_set_id"]
    assert old_key != new_key
    assert stored(world) == {"a": (new_key, None, None)}
    assert list(SymbolGarbage.objects.values_list("key", flat=True)) == [old_key]


def test_a_failed_fetch_gives_way_to_an_upload(world: World, symbol_sets: Api) -> None:
    make_symbol_set(world.project, ref="https://x.test/a.js", failure_reason="{}")
    assert list(begun(symbol_sets, {"chunk_id": "https://x.test/a.js", "content_hash": HASH})) == [
        "https://x.test/a.js"
    ]


def test_other_content_is_refused_and_nothing_of_the_request_is_begun(world: World, symbol_sets: Api) -> None:
    make_uploaded(world.project, ref="a")
    before = stored(world)
    body = {"symbol_sets": [{"chunk_id": ref, "content_hash": OTHER_HASH} for ref in ("0", "a", "z")]}
    expected = refused("content_hash_mismatch", "Symbol set a already exists with different content.")
    assert answer(symbol_sets.post("bulk_start_upload", body)) == expected
    assert answer(symbol_sets.post("bulk_check_upload", body)) == expected
    assert stored(world) == before
    assert not AuditEntry.objects.filter(environment_id=world.project.pk).exists()


def test_other_content_is_kept_or_replaced_as_the_client_wishes(world: World, symbol_sets: Api) -> None:
    old = make_uploaded(world.project, ref="a")
    other = {"chunk_id": "a", "content_hash": OTHER_HASH}
    assert begun(symbol_sets, other, skip_on_conflict=True) == {}
    assert stored(world) == {"a": (old.storage_ptr, HASH, None)}
    key = begun(symbol_sets, other, force=True)["a"]["presigned_url"]["fields"]["key"]
    assert key != old.storage_ptr
    assert stored(world) == {"a": (key, None, None)}


def test_force_does_not_send_the_same_content_again(world: World, symbol_sets: Api) -> None:
    make_uploaded(world.project, ref="a")
    assert begun(symbol_sets, {"chunk_id": "a", "content_hash": HASH}, force=True) == {}


@pytest.mark.parametrize("flags", [{}, {"force": True}, {"skip_on_conflict": True}])
def test_without_a_hash_uploaded_content_is_not_touched(world: World, symbol_sets: Api, flags: dict[str, bool]) -> None:
    make_uploaded(world.project, ref="a")
    text = "Symbol set a already has content; provide a content_hash to update it."
    for body in ({"chunk_ids": ["a"]}, {"symbol_sets": [{"chunk_id": "a", "content_hash": None}]}):
        assert answer(symbol_sets.post("bulk_start_upload", body | flags)) == refused("content_hash_required", text)


# ---- releases


def test_a_set_without_a_release_joins_one_and_need_not_be_sent_again(world: World, symbol_sets: Api) -> None:
    """6.2: an unbound one may join."""
    row, release = make_uploaded(world.project, ref="a"), make_release(world.project)
    item = {"chunk_id": "a", "release_id": str(release.id).upper(), "content_hash": HASH}
    assert answer(symbol_sets.post("bulk_check_upload", {"symbol_sets": [item]}))[1] == {"chunk_ids_to_upload": ["a"]}
    assert begun(symbol_sets, item) == {}
    assert stored(world) == {"a": (row.storage_ptr, HASH, release.id)}
    assert answer(symbol_sets.post("bulk_check_upload", {"symbol_sets": [item]}))[1] == {"chunk_ids_to_upload": []}


@pytest.mark.parametrize("flags", [{}, {"force": True}, {"skip_on_conflict": True}])
@EACH
def test_a_set_of_a_release_never_moves_to_another(
    world: World, symbol_sets: Api, path: str, flags: dict[str, bool]
) -> None:
    """6.2: a set bound to a release never moves; the CLI then tries without a release, which changes nothing."""
    release, other = make_release(world.project), make_release(world.project)
    make_uploaded(world.project, ref="a", release=release)
    item = {"chunk_id": "a", "release_id": str(other.id), "content_hash": HASH}
    expected = refused("release_id_mismatch", "Symbol set a already has a release ID")
    assert answer(symbol_sets.post(path, {"symbol_sets": [item]} | flags)) == expected
    assert begun(symbol_sets, item | {"release_id": None}) == {}
    assert stored(world)["a"][2] == release.id


@EACH
def test_the_release_must_be_one_of_the_project(world: World, stranger: World, symbol_sets: Api, path: str) -> None:
    foreign = make_release(stranger.project)
    for release, text in (
        ("x", "Invalid release ID provided: x"),
        (UNKNOWN, f"Unknown release ID provided: {UNKNOWN}"),
        (str(foreign.id), f"Unknown release ID provided: {foreign.id}"),
    ):
        body = {"symbol_sets": [{"chunk_id": "a", "release_id": release, "content_hash": HASH}]}
        assert answer(symbol_sets.post(path, body)) == refused("invalid_release_id", text)
    assert stored(world) == {}


def test_an_empty_release_is_none(world: World, symbol_sets: Api) -> None:
    assert list(begun(symbol_sets, {"chunk_id": "a", "release_id": "", "content_hash": HASH})) == ["a"]


# ---- what is wrong whatever is there


@EACH
def test_a_chunk_is_named_once(symbol_sets: Api, path: str) -> None:
    body = {"symbol_sets": [{"chunk_id": ref, "content_hash": HASH} for ref in ("b", "a", "b", "c", "a")]}
    expected = refused("invalid_chunk_ids", "Duplicate chunk IDs provided: a, b")
    assert answer(symbol_sets.post(path, body)) == expected


def test_a_chunk_is_named_once_in_both_lists_together(symbol_sets: Api) -> None:
    body = {"symbol_sets": [{"chunk_id": "a", "content_hash": HASH}], "chunk_ids": ["a"]}
    expected = refused("invalid_chunk_ids", "Duplicate chunk IDs provided: a")
    assert answer(symbol_sets.post("bulk_start_upload", body)) == expected


@EACH
def test_what_is_too_large_is_refused_before_it_is_sent(symbol_sets: Api, path: str) -> None:
    item = {"chunk_id": "a", "content_hash": HASH, "content_length": 104_857_601}
    expected = refused("file_too_large", "Symbol sets larger than 100MB cannot be uploaded: a")
    assert answer(symbol_sets.post(path, {"symbol_sets": [item]})) == expected
    item["content_length"] = 104_857_600
    assert symbol_sets.post(path, {"symbol_sets": [item]}).status_code in {200, 201}


REQUIRED = ("required", "This field is required.")
A = {"chunk_id": "a", "content_hash": HASH}


@EACH
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"symbol_sets": "x"}, refused("not_a_list", 'Expected a list of items but got type "str".', "symbol_sets")),
        ({"symbol_sets": [A, {}]}, refused(*REQUIRED, "symbol_sets__1__chunk_id")),
        (
            {"symbol_sets": [A | {"chunk_id": ""}]},
            refused("blank", "This field may not be blank.", "symbol_sets__0__chunk_id"),
        ),
        (
            {"symbol_sets": [A | {"chunk_id": "é" * 1025}]},
            refused("max_length", "Ensure this field has no more than 2048 bytes.", "symbol_sets__0__chunk_id"),
        ),
        (
            {"symbol_sets": [A | {"chunk_id": "a\x00"}]},
            refused("null_characters_not_allowed", "Null characters are not allowed.", "symbol_sets__0__chunk_id"),
        ),
        (
            {"symbol_sets": [A | {"chunk_id": "\ud800"}]},
            refused(
                "surrogate_characters_not_allowed",
                "Surrogate characters are not allowed: U+D800.",
                "symbol_sets__0__chunk_id",
            ),
        ),
        (
            {"symbol_sets": [A | {"content_hash": "x" * 513}]},
            refused("max_length", "Ensure this field has no more than 512 characters.", "symbol_sets__0__content_hash"),
        ),
        (
            {"symbol_sets": [A | {"content_length": -1}]},
            refused("min_value", "Ensure this value is greater than or equal to 0.", "symbol_sets__0__content_length"),
        ),
        (
            {"symbol_sets": [{"chunk_id": str(number)} for number in range(1001)]},
            refused("max_length", "Ensure this field has no more than 1000 elements.", "symbol_sets"),
        ),
        (
            {"symbol_sets": [A], "force": True, "skip_on_conflict": True},
            refused("invalid_conflict_handling", "Use either force or skip_on_conflict, not both."),
        ),
        ({"force": "maybe"}, refused("invalid_input", "Must be a valid boolean.", "force")),
    ],
)
def test_a_wrong_body_is_told_and_changes_nothing(
    world: World, symbol_sets: Api, path: str, body: Any, expected: Any
) -> None:
    assert answer(symbol_sets.post(path, body)) == expected
    assert stored(world) == {}


# ---- the check, and what uploads say of use


def test_a_check_says_what_is_missing_and_makes_nothing(world: World, symbol_sets: Api) -> None:
    make_uploaded(world.project, ref="there")
    make_symbol_set(world.project, ref="pending", storage_ptr="symbolsets/1")
    before = stored(world)
    refs = ("z", "there", "pending", "a")
    body = {"symbol_sets": [{"chunk_id": ref, "content_hash": HASH} for ref in refs]}
    status, found = answer(symbol_sets.post("bulk_check_upload", body))
    assert (status, found) == (200, {"chunk_ids_to_upload": ["z", "pending", "a"]})
    assert stored(world) == before


@EACH
def test_sets_that_are_still_shipped_count_as_used_twice_a_day(world: World, symbol_sets: Api, path: str) -> None:
    """2.6: last_used is refreshed at most every 12 hours; the clean-up goes by it."""
    used = {"never": None, "long ago": NOON - timedelta(hours=13), "lately": NOON - timedelta(hours=11)}
    for ref, last_used in (used | {"other": None}).items():
        make_uploaded(world.project, ref=ref, last_used=last_used)
    with clock.stopped_at(NOON):
        body = {"symbol_sets": [{"chunk_id": ref, "content_hash": HASH} for ref in used]}
        assert symbol_sets.post(path, body).status_code in {200, 201}
    found = dict(SymbolSet.objects.filter(environment=world.project).values_list("ref", "last_used"))
    assert found == {"never": NOON, "long ago": NOON, "lately": NOON - timedelta(hours=11), "other": None}


def test_what_an_upload_begins_is_recorded(world: World, symbol_sets: Api) -> None:
    old, release = make_uploaded(world.project, ref="old"), make_release(world.project)
    items = [{"chunk_id": ref, "release_id": str(release.id), "content_hash": HASH} for ref in ("new", "old")]
    id_map = begun(symbol_sets, *items)
    begun(symbol_sets, *items[1:])  # changes nothing, and is not recorded
    entries = AuditEntry.objects.filter(environment_id=world.project.pk).order_by("id")
    key = id_map["new"]["presigned_url"]["fields"]["key"]
    assert [(entry.action, entry.object_id, entry.before, entry.after) for entry in entries] == [
        (
            "bulk_start_upload",
            id_map["new"]["symbol_set_id"],
            None,
            {"ref": "new", "release": str(release.id), "storage_ptr": key},
        ),
        ("bulk_start_upload", str(old.id), {"release": None}, {"release": str(release.id)}),
    ]
