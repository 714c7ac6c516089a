"""POST issues/{id}/split/ and undo/: the answers; what they do stands in tests/errortracking/issues."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.models import IssueOperation
from tests.environments.world import NOT_FOUND, Api, World, answer, error
from tests.errortracking.api.acting import SUCCESS, UNKNOWN, came, invalid, issues, recorded
from tests.errortracking.issues.making import names, texts

__all__ = ["issues"]


@pytest.fixture
def merged(world: World, issues: Api) -> tuple[str, list[str]]:
    """The id of an issue of two fingerprints, and their texts."""
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "bob")
    found = texts(first) + texts(second)
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})) == SUCCESS
    return str(first.pk), found


def test_a_fingerprint_becomes_an_issue(world: World, issues: Api, merged: tuple[str, list[str]]) -> None:
    id_, (_, text) = merged
    body = {"fingerprints": [{"fingerprint": text, "name": "Cart", "description": "is empty"}]}
    status, found = answer(issues.post(f"{id_}/split/", body))
    assert (status, list(found), found["success"], len(found["new_issue_ids"])) == (
        200,
        ["success", "new_issue_ids"],
        True,
        1,
    )
    (new,) = found["new_issue_ids"]
    _, shown = answer(issues.get(f"{new}/"))
    assert (shown["name"], shown["description"], shown["status"], shown["fingerprint"]) == (
        "Cart",
        "is empty",
        "active",
        text,
    )
    operation = IssueOperation.objects.get(environment_id=world.project.pk, kind="split")
    assert recorded(world.project)[1:] == [
        ("split", id_, {}, {"operation": str(operation.pk), "split_into": [{"id": new, "name": "Cart"}]}),
        ("split", new, None, {"name": "Cart", "split_from": {"id": id_, "name": "KeyError"}}),
    ]


def test_without_a_name_it_is_called_after_its_exception(issues: Api, merged: tuple[str, list[str]]) -> None:
    id_, (_, text) = merged
    _, found = answer(issues.post(f"{id_}/split/", {"fingerprints": [{"fingerprint": text, "name": None}]}))
    _, shown = answer(issues.get(f"{found['new_issue_ids'][0]}/"))
    assert (shown["name"], shown["description"]) == ("ValueError", "no stock")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, invalid("fingerprints", "This field is required.", "required")),
        ({"fingerprints": []}, invalid("fingerprints", "This list may not be empty.", "empty")),
        ({"fingerprints": "x"}, invalid("fingerprints", 'Expected a list of items but got type "str".', "not_a_list")),
        (
            {"fingerprints": ["x"]},
            invalid("fingerprints__0", "Invalid data. Expected a dictionary, but got str."),
        ),
        (
            {"fingerprints": [{"name": "x"}]},
            invalid("fingerprints__0__fingerprint", "This field is required.", "required"),
        ),
        (
            {"fingerprints": [{"fingerprint": "x"}]},
            invalid("fingerprints__0__fingerprint", "The issue has no such fingerprint (any more).", "does_not_exist"),
        ),
    ],
)
def test_what_cannot_be_split_is_a_400(
    world: World, issues: Api, merged: tuple[str, list[str]], body: Any, expected: Any
) -> None:
    assert answer(issues.post(f"{merged[0]}/split/", body)) == expected
    assert names(world.project) == ["KeyError"]


def test_an_issue_keeps_a_fingerprint(world: World, issues: Api, merged: tuple[str, list[str]]) -> None:
    id_, found = merged
    body = {"fingerprints": [{"fingerprint": text} for text in found]}
    expected = invalid("fingerprints", "An issue keeps at least one fingerprint.", "last_fingerprint")
    assert answer(issues.post(f"{id_}/split/", body)) == expected
    twice = {"fingerprints": [{"fingerprint": found[0]}] * 2}
    assert answer(issues.post(f"{id_}/split/", twice)) == invalid(
        "fingerprints__1__fingerprint", "Named twice.", "duplicate"
    )
    assert names(world.project) == ["KeyError"]


def test_an_unknown_issue_is_a_404(issues: Api, merged: tuple[str, list[str]]) -> None:
    for id_ in (UNKNOWN, "x"):
        body = {"fingerprints": [{"fingerprint": merged[1][0]}]}
        assert answer(issues.post(f"{id_}/split/", body)) == (404, NOT_FOUND)
        assert answer(issues.post(f"{id_}/undo/")) == (404, NOT_FOUND)


# ---- undo


def test_the_latest_is_undone(world: World, issues: Api, merged: tuple[str, list[str]]) -> None:
    id_, _ = merged
    operation = IssueOperation.objects.get(environment_id=world.project.pk)
    back = operation.record["sources"][0]["issue"]["id"]
    assert answer(issues.post(f"{id_}/undo/")) == (
        200,
        {"success": True, "operation": str(operation.pk), "issue_ids": [back]},
    )
    assert names(world.project) == ["KeyError", "ValueError"]
    assert answer(issues.get(f"{back}/"))[0] == 200
    assert recorded(world.project)[1:] == [
        ("undo", id_, {"merged": [{"id": back, "name": "ValueError"}]}, {"operation": str(operation.pk)})
    ]
    expected = error(
        400, "validation_error", "nothing_to_undo", "The issue has no merge or split that could be undone."
    )
    assert answer(issues.post(f"{id_}/undo/", {})) == expected


def test_an_operation_may_be_named(world: World, issues: Api, merged: tuple[str, list[str]]) -> None:
    id_, (_, text) = merged
    operation = str(IssueOperation.objects.get(environment_id=world.project.pk).pk)
    issues.post(f"{id_}/split/", {"fingerprints": [{"fingerprint": text}]})
    text = "It cannot be undone any more: fingerprints have moved to other issues since."
    for body, expected in (
        ({"operation": operation}, error(400, "validation_error", "cannot_be_undone", text)),
        ({"operation": UNKNOWN}, invalid("operation", "The issue has no such merge or split.", "does_not_exist")),
        ({"operation": "x"}, invalid("operation", "Must be a valid UUID.")),
        ({"operation": 7}, invalid("operation", "Must be a valid UUID.")),
    ):
        assert answer(issues.post(f"{id_}/undo/", body)) == expected
    assert answer(issues.post(f"{id_}/undo/"))[0] == 200
    assert answer(issues.post(f"{id_}/undo/", {"operation": operation}))[0] == 200
    assert answer(issues.post(f"{id_}/undo/", {"operation": operation})) == invalid(
        "operation", "It has been undone already.", "already_undone"
    )
    assert names(world.project) == ["KeyError", "ValueError"]
