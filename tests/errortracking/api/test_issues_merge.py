"""POST issues/{id}/merge/: never "all", a preview that changes nothing, and an answer for everything that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.models import Issue, IssueOperation
from tests.environments.world import NOT_FOUND, Api, World, answer, error
from tests.errortracking.api.acting import SUCCESS, UNKNOWN, came, invalid, issues, recorded
from tests.errortracking.issues.making import names, numbers

__all__ = ["issues"]

LOST = (404, NOT_FOUND)


def test_issues_become_part_of_another(world: World, issues: Api) -> None:
    first, second, third = (came(world.project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk), str(third.pk)]})) == SUCCESS
    assert names(world.project) == ["KeyError"]
    assert (numbers(first) or ())[:2] == (3, 1)


def test_a_merged_issue_leads_to_its_successor(world: World, issues: Api) -> None:
    first, second, third = (came(world.project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    assert answer(issues.post(f"{second.pk}/merge/", {"ids": [str(third.pk)]})) == SUCCESS
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})) == SUCCESS
    for gone in (second, third):
        assert answer(issues.get(f"{gone.pk}/")) == (308, {"issue_id": str(first.pk)})
    assert answer(issues.post(f"{second.pk}/merge/", {"ids": [str(first.pk)]})) == LOST


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, invalid("ids", "This field is required.", "required")),
        ({"ids": None}, invalid("ids", "This field may not be null.", "null")),
        ({"ids": []}, invalid("ids", "This list may not be empty.", "empty")),
        ({"ids": "all"}, invalid("ids", 'Expected a list of items but got type "str".', "not_a_list")),
        ({"ids": [UNKNOWN, "x"]}, invalid("ids__1", "Must be a valid UUID.")),
        ({"ids": [7]}, invalid("ids__0", "Must be a valid UUID.")),
        ({"ids": [UNKNOWN] * 1001}, invalid("ids", "Ensure this field has no more than 1000 elements.", "max_length")),
        (
            [UNKNOWN],
            error(400, "validation_error", "invalid_input", "Invalid data. Expected a dictionary, but got list."),
        ),
    ],
)
@pytest.mark.parametrize("query", ["", "?preview=true"])
def test_without_issues_it_is_a_400_and_never_all(
    world: World, issues: Api, body: Any, expected: Any, query: str
) -> None:
    first, _ = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    assert answer(issues.post(f"{first.pk}/merge/{query}", body)) == expected
    assert names(world.project) == ["KeyError", "ValueError"]


def test_a_body_without_anything_is_a_400(world: World, issues: Api) -> None:
    issue = came(world.project, "KeyError", "ada")
    assert answer(issues.post(f"{issue.pk}/merge/"))[0] == 400


def test_stale_issues_are_dropped_and_a_target_or_all_sources_that_are_gone_are_a_404(
    world: World, stranger: World, issues: Api
) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    foreign = came(stranger.project, "KeyError", "ada")
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [UNKNOWN]})) == LOST
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [str(first.pk)]})) == LOST
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": [str(foreign.pk)]})) == LOST
    assert answer(issues.post(f"{foreign.pk}/merge/", {"ids": [str(first.pk)]})) == LOST
    assert answer(issues.post(f"{UNKNOWN}/merge/", {"ids": [str(first.pk)]})) == LOST
    assert answer(issues.post("x/merge/", {"ids": [str(first.pk)]})) == LOST
    assert names(world.project) == ["KeyError", "ValueError"]
    ids = [UNKNOWN, str(first.pk), str(second.pk), str(foreign.pk)]
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": ids})) == SUCCESS
    assert names(world.project) == ["KeyError"]
    assert Issue.objects.filter(environment_id=stranger.project.pk).count() == 1
    assert answer(issues.post(f"{first.pk}/merge/", {"ids": ids})) == SUCCESS  # once more: it is so already


@pytest.mark.parametrize("word", ["true", "1", "True", " TRUE "])
def test_a_preview_says_what_would_move_and_changes_nothing(world: World, issues: Api, word: str) -> None:
    first = came(world.project, "KeyError", "ada")
    second, third = came(world.project, "ValueError", "bob", "eve"), came(world.project, "OSError", "eve", "ada", "ada")
    body = {"ids": [str(second.pk), str(third.pk), UNKNOWN]}
    would = {"issues": 2, "fingerprints": 2, "occurrences": 5, "users": 3}
    found = issues.post(f"{first.pk}/merge/?preview={word.replace(' ', '%20')}", body)
    assert answer(found) == (200, {"success": True, "would_move": would})
    assert names(world.project) == ["KeyError", "OSError", "ValueError"]
    assert recorded(world.project) == []
    assert not IssueOperation.objects.filter(environment_id=world.project.pk).exists()
    assert answer(issues.post(f"{UNKNOWN}/merge/?preview=true", body)) == LOST


@pytest.mark.parametrize("word", ["yes", "treu", "2", "null"])
def test_a_preview_that_cannot_be_read_is_a_400_and_no_merge(world: World, issues: Api, word: str) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    found = answer(issues.post(f"{first.pk}/merge/?preview={word}", {"ids": [str(second.pk)]}))
    assert found == invalid("preview", "Must be a valid boolean.")
    assert names(world.project) == ["KeyError", "ValueError"]


@pytest.mark.parametrize("query", ["preview=true&preview=false", "preview=&preview=1", "preview=true&preview=maybe"])
def test_of_several_previews_one_is_enough_to_change_nothing(world: World, issues: Api, query: str) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "bob")
    status, _ = answer(issues.post(f"{first.pk}/merge/?{query}", {"ids": [str(second.pk)]}))
    assert status == (400 if "maybe" in query else 200)
    assert names(world.project) == ["KeyError", "ValueError"]


@pytest.mark.parametrize("word", ["false", "0", ""])
def test_no_preview_is_a_merge(world: World, issues: Api, word: str) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    assert answer(issues.post(f"{first.pk}/merge/?preview={word}", {"ids": [str(second.pk)]})) == SUCCESS
    assert names(world.project) == ["KeyError"]


def test_a_merge_is_recorded_of_its_target(world: World, issues: Api) -> None:
    first, second = came(world.project, "KeyError", "ada"), came(world.project, "ValueError", "ada")
    issues.post(f"{first.pk}/merge/", {"ids": [str(second.pk)]})
    operation = IssueOperation.objects.get(environment_id=world.project.pk)
    assert (operation.user_id, operation.user_email) == (world.user.pk, world.user.email)
    after = {
        "operation": str(operation.pk),
        "merged": [{"id": str(second.pk), "name": "ValueError"}],
        "fingerprints_moved": 1,
    }
    assert recorded(world.project) == [("merge", str(first.pk), {}, after)]
