"""PATCH issues/{id}/assign/, PUT issues/{id}/cohort/ and POST issues/bulk/."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import Role
from errortracking.models import Issue, IssueAssignment, IssueCohort
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.acting import SUCCESS, UNKNOWN, invalid, issues, recorded

__all__ = ["issues"]

FOREIGN_USER = invalid("assignee__id", "Assignee user does not belong to this organization.")
FOREIGN_ROLE = invalid("assignee__id", "Assignee role does not belong to this organization.")


@pytest.fixture
def issue(world: World) -> Issue:
    return Issue.objects.create(environment=world.project, name="KeyError")


def assignee(issues: Api, issue: Issue) -> Any:
    return answer(issues.get(f"{issue.pk}/"))[1]["assignee"]


def test_an_issue_is_assigned_to_a_person_to_a_role_and_to_nobody(world: World, issues: Api, issue: Issue) -> None:
    role = Role.objects.create(organization=world.organization, name="backend")
    user = {"type": "user", "id": str(world.user.pk)}
    for named in (user, {"type": "role", "id": str(role.pk)}, user, None):
        assert answer(issues.patch(f"{issue.pk}/assign/", {"assignee": named})) == SUCCESS
        assert assignee(issues, issue) == named
    assert answer(issues.patch(f"{issue.pk}/assign/", {"assignee": None})) == SUCCESS
    assert recorded(world.project)[0] == ("assign", str(issue.pk), {"assignee": None}, {"assignee": user})
    assert len(recorded(world.project)) == 4  # what changed nothing is not recorded


def test_who_is_no_member_cannot_be_assigned(world: World, stranger: World, issues: Api, issue: Issue) -> None:
    role = Role.objects.create(organization=stranger.organization, name="backend")
    for body, expected in (
        ({"type": "user", "id": str(stranger.user.pk)}, FOREIGN_USER),
        ({"type": "user", "id": UNKNOWN}, FOREIGN_USER),
        ({"type": "role", "id": str(role.pk)}, FOREIGN_ROLE),
        ({"type": "role", "id": str(world.user.pk)}, FOREIGN_ROLE),
        ({"type": "team", "id": UNKNOWN}, invalid("assignee__type", '"team" is not a valid choice.', "invalid_choice")),
        ({"type": "user", "id": 7}, invalid("assignee__id", "Must be a valid UUID.")),
        ({"type": "user"}, invalid("assignee__id", "This field is required.", "required")),
        ("ada", invalid("assignee__non_field_errors", "Invalid data. Expected a dictionary, but got str.")),
    ):
        status, found = answer(issues.patch(f"{issue.pk}/assign/", {"assignee": body}))
        assert (status, found["code"], found["detail"]) == (400, expected[1]["code"], expected[1]["detail"])
    assert answer(issues.patch(f"{issue.pk}/assign/", {})) == invalid("assignee", "This field is required.", "required")
    assert assignee(issues, issue) is None


def test_an_unknown_issue_is_a_404(issues: Api) -> None:
    for id_ in (UNKNOWN, "x"):
        assert answer(issues.patch(f"{id_}/assign/", {"assignee": None})) == (404, NOT_FOUND)
        assert answer(issues.put(f"{id_}/cohort/", {"cohortId": 1})) == (404, NOT_FOUND)


# ---- cohort


def test_an_issue_is_linked_to_a_cohort(world: World, issues: Api, issue: Issue) -> None:
    for cohort in (7, 8, None):
        assert answer(issues.put(f"{issue.pk}/cohort/", {"cohortId": cohort})) == SUCCESS
        shown = answer(issues.get(f"{issue.pk}/"))[1]["cohort"]
        assert shown == (None if cohort is None else {"id": cohort, "name": None})
    assert recorded(world.project)[1] == ("cohort", str(issue.pk), {"cohort": 7}, {"cohort": 8})
    assert not IssueCohort.objects.filter(environment_id=world.project.pk).exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, invalid("cohortId", "This field is required.", "required")),
        ({"cohortId": "x"}, invalid("cohortId", "A valid integer is required.")),
        ({"cohortId": 0}, invalid("cohortId", "Ensure this value is greater than or equal to 1.", "min_value")),
        (
            {"cohortId": 2147483648},
            invalid("cohortId", "Ensure this value is less than or equal to 2147483647.", "max_value"),
        ),
    ],
)
def test_a_wrong_cohort_is_a_400(issues: Api, issue: Issue, body: Any, expected: Any) -> None:
    assert answer(issues.put(f"{issue.pk}/cohort/", body)) == expected


# ---- several at once


def test_several_get_a_status_and_those_that_are_gone_are_passed_over(
    world: World, stranger: World, issues: Api, issue: Issue
) -> None:
    second = Issue.objects.create(environment=world.project, status="resolved")
    third = Issue.objects.create(environment=world.project)
    foreign = Issue.objects.create(environment=stranger.project)
    ids = [str(issue.pk), str(second.pk), UNKNOWN, str(foreign.pk), str(issue.pk)]
    body = {"action": "set_status", "ids": ids, "status": "resolved"}
    assert answer(issues.post("bulk/", body)) == SUCCESS
    statuses = [
        Issue.objects.filter(environment_id=row.environment_id).get(pk=row.pk).status
        for row in (issue, second, third, foreign)
    ]
    assert statuses == ["resolved", "resolved", "active", "active"]
    assert recorded(world.project) == [("bulk", str(issue.pk), {"status": "active"}, {"status": "resolved"})]


def test_several_are_assigned_and_taken_from_whoever_had_them(world: World, issues: Api, issue: Issue) -> None:
    second = Issue.objects.create(environment=world.project)
    user = {"type": "user", "id": str(world.user.pk)}
    body = {"action": "assign", "ids": [str(issue.pk), str(second.pk)]}
    assert answer(issues.post("bulk/", body | {"assignee": user})) == SUCCESS
    rows = IssueAssignment.objects.filter(environment_id=world.project.pk)
    assert {row.issue_id: row.user_id for row in rows} == {issue.pk: world.user.pk, second.pk: world.user.pk}
    assert answer(issues.post("bulk/", body | {"assignee": None})) == SUCCESS
    assert not IssueAssignment.objects.filter(environment_id=world.project.pk).exists()
    assert [line[0] for line in recorded(world.project)] == ["bulk"] * 4


def test_several_that_are_all_gone_are_nothing_to_complain_about(issues: Api, world: World) -> None:
    for body in ({"action": "set_status", "status": "active"}, {"action": "assign", "assignee": None}):
        assert answer(issues.post("bulk/", {"ids": [UNKNOWN], **body})) == SUCCESS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"action": "set_status", "status": "active"}, invalid("ids", "This field is required.", "required")),
        (
            {"action": "set_status", "status": "active", "ids": []},
            invalid("ids", "This list may not be empty.", "empty"),
        ),
        (
            {"action": "set_status", "status": "active", "ids": [UNKNOWN] * 1001},
            invalid("ids", "Ensure this field has no more than 1000 elements.", "max_length"),
        ),
        ({"action": "set_status", "ids": [UNKNOWN]}, invalid("status", "This field is required.", "required")),
        (
            {"action": "set_status", "ids": [UNKNOWN], "status": "archived"},
            invalid("status", '"archived" is not a valid choice.', "invalid_choice"),
        ),
        ({"action": "assign", "ids": [UNKNOWN]}, invalid("assignee", "This field is required.", "required")),
        ({"action": "assign", "ids": [UNKNOWN], "assignee": {"type": "user", "id": UNKNOWN}}, FOREIGN_USER),
        ({"ids": [UNKNOWN]}, invalid("action", "This field is required.", "required")),
        (
            {"action": "delete", "ids": [UNKNOWN]},
            invalid("action", '"delete" is not a valid choice.', "invalid_choice"),
        ),
    ],
)
def test_a_wrong_bulk_is_a_400(world: World, issues: Api, body: Any, expected: Any) -> None:
    assert answer(issues.post("bulk/", body)) == expected
    assert recorded(world.project) == []
