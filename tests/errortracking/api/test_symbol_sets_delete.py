"""DELETE …/symbol_sets/{id}/, POST …/bulk_delete/ and GET …/{id}/download/ (contract 10)."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry
from errortracking.models import StackFrame, SymbolGarbage, SymbolSet
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import MALFORMED_IDS, make_frame, make_symbol_set
from tests.errortracking.api.uploading import UNKNOWN, bare, make_uploaded, refused, symbol_sets

__all__ = ["symbol_sets"]


def refs(world: World) -> set[str]:
    return set(SymbolSet.objects.filter(environment=world.project).values_list("ref", flat=True))


def test_a_set_is_deleted_and_its_data_is_left_to_the_sweep(world: World, symbol_sets: Api) -> None:
    row, other = make_uploaded(world.project), make_uploaded(world.project)
    assert answer(symbol_sets.delete(f"{row.id}/")) == (204, None)
    assert refs(world) == {other.ref}
    assert list(SymbolGarbage.objects.values_list("key", "project_id")) == [(row.storage_ptr, world.project.pk)]
    assert answer(symbol_sets.delete(f"{row.id}/")) == (404, NOT_FOUND)


def test_unresolved_frames_go_with_their_set_and_resolved_ones_stay(world: World, symbol_sets: Api) -> None:
    """9: deleting a symbol set deletes its unresolved frames, keeps resolved ones."""
    row, other = make_symbol_set(world.project), make_symbol_set(world.project)
    resolved = make_frame(world.project, symbol_set=row)
    make_frame(world.project, symbol_set=row, resolved=False)
    foreign = make_frame(world.project, symbol_set=other, resolved=False)
    assert symbol_sets.delete(f"{row.id}/").status_code == 204
    frames = StackFrame.objects.filter(environment=world.project).values_list("id", "symbol_set_id")
    assert dict(frames) == {resolved.id: None, foreign.id: other.id}


def test_an_unknown_id_deletes_nothing(world: World, stranger: World, symbol_sets: Api) -> None:
    foreign = make_symbol_set(stranger.project)
    for id_ in (UNKNOWN, str(foreign.id), *MALFORMED_IDS):
        assert answer(symbol_sets.delete(f"{id_}/")) == (404, NOT_FOUND)
    assert refs(stranger) == {foreign.ref}


def test_a_deletion_is_recorded(world: World, symbol_sets: Api) -> None:
    row = make_symbol_set(world.project, ref="chunk", failure_reason="{}")
    symbol_sets.delete(f"{row.id}/")
    entry = AuditEntry.objects.get(environment_id=world.project.pk)
    assert (entry.action, entry.resource, entry.object_id) == ("destroy", "symbol_sets", str(row.id))
    assert (entry.before, entry.after) == ({"ref": "chunk"}, None)


def test_several_are_deleted_and_unknown_ones_are_not_counted(world: World, stranger: World, symbol_sets: Api) -> None:
    rows, foreign = [make_symbol_set(world.project) for _ in range(3)], make_symbol_set(stranger.project)
    make_frame(world.project, symbol_set=rows[0], resolved=False)
    ids = [str(rows[0].id), str(rows[1].id), str(rows[1].id), str(foreign.id), UNKNOWN]
    assert answer(symbol_sets.post("bulk_delete", {"ids": ids})) == (200, {"deleted": 2})
    assert (refs(world), refs(stranger)) == ({rows[2].ref}, {foreign.ref})
    assert not StackFrame.objects.filter(environment=world.project).exists()
    recorded = AuditEntry.objects.filter(environment_id=world.project.pk).values_list("action", "object_id")
    assert set(recorded) == {("bulk_delete", str(rows[0].id)), ("bulk_delete", str(rows[1].id))}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, bare("ids is required")),
        ({"ids": []}, bare("ids is required")),
        ({"ids": None}, bare("ids is required")),
        ({"ids": "x"}, bare("ids must be a list")),
        ({"ids": {"a": 1}}, bare("ids must be a list")),
        ({"ids": [UNKNOWN, "x"]}, refused("invalid_input", "Must be a valid UUID.", "ids__1")),
        ({"ids": [7]}, refused("invalid_input", "Must be a valid UUID.", "ids__0")),
        (
            {"ids": [UNKNOWN] * 1001},
            refused("max_length", "Ensure this field has no more than 1000 elements.", "ids"),
        ),
    ],
)
def test_what_is_wrong_deletes_nothing(world: World, symbol_sets: Api, body: Any, expected: Any) -> None:
    row = make_symbol_set(world.project)
    assert answer(symbol_sets.post("bulk_delete", body)) == expected
    assert refs(world) == {row.ref}


# ---- download


def test_the_data_has_an_address_for_some_minutes(world: World, symbol_sets: Api) -> None:
    row = make_uploaded(world.project, b"minified and map")
    status, body = answer(symbol_sets.get(f"{row.id}/download/"))
    assert (status, list(body)) == (200, ["url"])
    assert body["url"].startswith("http://testserver/symbolsets/download?signature=")
    response = world.anonymous().get(body["url"].removeprefix("http://testserver"))
    assert (response.status_code, b"".join(response)) == (200, b"minified and map")


def test_a_set_without_data_has_none(world: World, symbol_sets: Api) -> None:
    """10: a bare detail. An upload that was not finished has no file either."""
    for row in (make_symbol_set(world.project), make_symbol_set(world.project, storage_ptr="symbolsets/1")):
        assert answer(symbol_sets.get(f"{row.id}/download/")) == bare("Symbol set has no uploaded file.", 404)


def test_an_unknown_set_has_no_download(stranger: World, symbol_sets: Api) -> None:
    foreign = make_uploaded(stranger.project)
    for id_ in (UNKNOWN, str(foreign.id), "x"):
        assert answer(symbol_sets.get(f"{id_}/download/")) == (404, NOT_FOUND)
