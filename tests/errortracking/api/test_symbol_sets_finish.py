"""POST …/symbol_sets/bulk_finish_upload/ and PUT …/{id}/finish_upload/ (contract 10, pipeline 2.6 and 6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry
from errortracking.models import StackFrame, SymbolSet
from errortracking.symbols import storage as storage_module
from errortracking.symbols import uploads
from errortracking.symbols.storage import Unavailable, storage
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import make_frame, make_symbol_set
from tests.errortracking.api.uploading import (
    HASH,
    OTHER_HASH,
    SUCCESS,
    UNKNOWN,
    asked_again,
    bare,
    begun,
    make_uploaded,
    refused,
    send,
    symbol_sets,
)

__all__ = ["symbol_sets"]

NOT_UPLOADED = refused("file_not_found", "No file has been uploaded for the symbol set.")
NO_HASH = refused("content_hash_required", "A content hash must be provided to complete symbol set upload.")


def finished(symbol_sets: Api, **hashes: str) -> tuple[int, Any]:
    return answer(symbol_sets.post("bulk_finish_upload", {"content_hashes": hashes}))


def hashes(world: World) -> dict[str, str | None]:
    return dict(SymbolSet.objects.filter(environment=world.project).values_list("ref", "content_hash"))


def test_uploads_count_once_they_are_finished(world: World, symbol_sets: Api) -> None:
    begun(symbol_sets, *({"chunk_id": ref, "content_hash": HASH} for ref in ("a", "b", "c")))
    one, two = send(world.project, "a"), send(world.project, "b")
    assert finished(symbol_sets, **{str(one.id): HASH, str(two.id): OTHER_HASH}) == (201, SUCCESS)
    assert hashes(world) == {"a": HASH, "b": OTHER_HASH, "c": None}
    assert begun(symbol_sets, {"chunk_id": "a", "content_hash": HASH}) == {}
    assert asked_again(world.project) == [["a", "b"]]


def test_one_upload_is_finished_by_its_id(world: World, symbol_sets: Api) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a")
    assert answer(symbol_sets.put(f"{row.id}/finish_upload", {"content_hash": HASH})) == (200, SUCCESS)
    assert hashes(world) == {"a": HASH}
    assert asked_again(world.project) == [["a"]]


def test_a_lost_answer_is_asked_for_again_and_does_nothing(world: World, symbol_sets: Api) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a")
    for _ in range(2):
        assert finished(symbol_sets, **{str(row.id): HASH}) == (201, SUCCESS)
    assert asked_again(world.project) == [["a"]]
    recorded = AuditEntry.objects.filter(environment_id=world.project.pk, action="bulk_finish_upload")
    assert [(entry.object_id, entry.before, entry.after) for entry in recorded] == [
        (str(row.id), {"content_hash": None}, {"content_hash": HASH})
    ]


def test_a_failure_is_forgotten_with_the_data(world: World, symbol_sets: Api) -> None:
    make_symbol_set(world.project, ref="https://x.test/a.js", failure_reason="{}")
    begun(symbol_sets, {"chunk_id": "https://x.test/a.js"})
    row = send(world.project, "https://x.test/a.js")
    assert finished(symbol_sets, **{str(row.id): HASH}) == (201, SUCCESS)
    row.refresh_from_db()
    assert (row.failure_reason, row.content_hash) == (None, HASH)


def test_the_same_data_sent_again_by_force_is_tried_again(world: World, symbol_sets: Api) -> None:
    """A parser may have died of what was no fault of the data: the kernel was short of memory, say."""
    make_uploaded(world.project, ref="a", failure_reason='{"JavaScript":{"JSDataError":"ended by SIGKILL"}}')
    item = {"chunk_id": "a", "content_hash": HASH}
    assert begun(symbol_sets, item, skip_on_conflict=True) == {}
    assert list(begun(symbol_sets, item, force=True)) == ["a"]
    row = send(world.project, "a")
    assert finished(symbol_sets, **{str(row.id): HASH}) == (201, SUCCESS)
    row.refresh_from_db()
    assert (row.failure_reason, row.content_hash) == (None, HASH)
    assert asked_again(world.project) == [["a"]]
    assert begun(symbol_sets, item, force=True) == {}


def test_frames_of_older_data_go_and_those_that_wait_stay(world: World, symbol_sets: Api) -> None:
    """2.6: saving new data deletes that set's frames so they resolve again."""
    row, other = make_uploaded(world.project, ref="a"), make_uploaded(world.project, ref="b")
    make_frame(world.project, symbol_set=row)
    make_frame(world.project, symbol_set=row, resolved=False)  # a position that the old data did not know
    waiting = make_frame(world.project, symbol_set=row, resolved=False, missing_ref="a")
    elsewhere = make_frame(world.project, symbol_set=other)
    begun(symbol_sets, {"chunk_id": "a", "content_hash": OTHER_HASH}, force=True)
    assert StackFrame.objects.filter(environment=world.project).count() == 4
    send(world.project, "a")
    assert finished(symbol_sets, **{str(row.id): OTHER_HASH}) == (201, SUCCESS)
    assert set(StackFrame.objects.filter(environment=world.project).values_list("id", flat=True)) == {
        waiting.id,
        elsewhere.id,
    }


def test_nothing_to_finish_is_no_mistake(symbol_sets: Api) -> None:
    """10: a client whose data was all there sends an empty map."""
    assert finished(symbol_sets) == (201, SUCCESS)
    assert answer(symbol_sets.post("bulk_finish_upload", {})) == (201, SUCCESS)


# ---- what is refused


def test_without_the_file_no_upload_of_the_request_counts(world: World, symbol_sets: Api) -> None:
    id_map = begun(symbol_sets, {"chunk_id": "a"}, {"chunk_id": "b"})
    send(world.project, "a")
    ids = {item["symbol_set_id"]: HASH for item in id_map.values()}
    assert finished(symbol_sets, **ids) == NOT_UPLOADED
    assert hashes(world) == {"a": None, "b": None}
    path = f"{id_map['b']['symbol_set_id']}/finish_upload"
    assert answer(symbol_sets.put(path, {"content_hash": HASH})) == NOT_UPLOADED
    assert asked_again(world.project) == []


def test_an_empty_file_is_none(world: World, symbol_sets: Api) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a", b"")
    assert finished(symbol_sets, **{str(row.id): HASH}) == NOT_UPLOADED


def test_a_file_that_is_too_large_does_not_count(
    world: World, symbol_sets: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a", b"12345")
    monkeypatch.setattr(uploads, "LARGEST_BYTES", 4)
    expected = refused("file_too_large", "The uploaded symbol set file was too large.")
    assert finished(symbol_sets, **{str(row.id): HASH}) == expected
    assert hashes(world) == {"a": None}


def test_a_set_that_never_began_has_no_file(world: World, symbol_sets: Api) -> None:
    row = make_symbol_set(world.project, failure_reason="{}")
    assert finished(symbol_sets, **{str(row.id): HASH}) == NOT_UPLOADED


def test_an_upload_that_was_begun_anew_meanwhile_is_not_finished_with_the_old_file(
    world: World, symbol_sets: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a")
    look = uploads.uploaded_keys

    def look_and_lose(environment_id: int, ids: Any) -> Any:
        found = look(environment_id, ids)
        begun(symbol_sets, {"chunk_id": "a"})
        return found

    monkeypatch.setattr(uploads, "uploaded_keys", look_and_lose)
    assert finished(symbol_sets, **{str(row.id): HASH}) == NOT_UPLOADED
    assert hashes(world) == {"a": None}


def test_unknown_sets_are_named(world: World, stranger: World, symbol_sets: Api) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row, foreign = send(world.project, "a"), make_uploaded(stranger.project)
    names = sorted([UNKNOWN, str(foreign.id)])
    expected = refused("symbol_set_not_found", f"Unknown symbol set IDs: {', '.join(names)}")
    assert finished(symbol_sets, **dict.fromkeys((str(row.id), *names), OTHER_HASH)) == expected
    assert hashes(world) == {"a": None}
    foreign.refresh_from_db()
    assert foreign.content_hash == HASH
    for id_ in (*names, "x"):
        assert answer(symbol_sets.put(f"{id_}/finish_upload", {"content_hash": HASH})) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, bare("content_hashes are required")),
        ([], refused("not_a_dict", 'Expected a dictionary of items but got type "list".', "content_hashes")),
        ("x", refused("not_a_dict", 'Expected a dictionary of items but got type "str".', "content_hashes")),
        ({"x": HASH}, refused("invalid_input", "Must be a valid UUID.", "content_hashes")),
        ({UNKNOWN: ""}, NO_HASH),
        ({UNKNOWN: None}, NO_HASH),
        ({UNKNOWN: ["x"]}, refused("invalid_input", "Not a valid string.", "content_hashes")),
        (
            {UNKNOWN: "x" * 513},
            refused("max_length", "Ensure this field has no more than 512 characters.", "content_hashes"),
        ),
        (
            {UNKNOWN: "\x00"},
            refused("null_characters_not_allowed", "Null characters are not allowed.", "content_hashes"),
        ),
        (
            {str(number): HASH for number in range(1001)},
            refused("max_length", "Ensure this field has no more than 1000 elements.", "content_hashes"),
        ),
    ],
)
def test_a_wrong_map_is_told(symbol_sets: Api, given: Any, expected: Any) -> None:
    assert answer(symbol_sets.post("bulk_finish_upload", {"content_hashes": given})) == expected


@pytest.mark.parametrize("body", [{}, {"content_hash": None}, {"content_hash": ""}])
def test_one_upload_needs_its_hash_before_it_needs_to_be_there(symbol_sets: Api, body: dict[str, Any]) -> None:
    assert answer(symbol_sets.put(f"{UNKNOWN}/finish_upload", body)) == NO_HASH


def test_where_the_storage_is_away_it_is_a_503_that_says_when_to_ask_again(
    world: World, symbol_sets: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(symbol_sets, {"chunk_id": "a"})
    row = send(world.project, "a")

    def away(*_: object) -> int:
        raise Unavailable("no route to host")

    monkeypatch.setattr(type(storage()), "size", away)
    response = symbol_sets.post("bulk_finish_upload", {"content_hashes": {str(row.id): HASH}})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert hashes(world) == {"a": None}
    assert storage_module.storage() is storage()
