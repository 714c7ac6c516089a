"""Status, texts, severity, assignee and cohort of one issue and of many."""

from __future__ import annotations

from uuid import UUID

import pytest

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.issues.changing import Assignee, assign, assignable, change, change_many, set_cohort
from errortracking.issues.errors import IssueGone, Refused
from errortracking.models import Issue, IssueAssignment
from tests.errortracking.issues.making import minute
from tests.errortracking.pipeline.making import NOON, make_project
from tests.errortracking.pipeline.ruling import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def make(project: Project, **columns: object) -> Issue:
    return Issue.objects.create(environment=project, state_updated_at=NOON, **{"name": "KeyError", **columns})


def test_only_what_differs_is_written_and_told(project: Project) -> None:
    issue = make(project, severity="low")
    with clock.stopped_at(minute(5)):
        found = change(project.pk, issue.pk, {"status": "resolved", "name": "KeyError", "severity": None})
    assert found == [(issue.pk, {"status": "active", "severity": "low"}, {"status": "resolved", "severity": None})]
    issue.refresh_from_db()
    assert (issue.status, issue.severity, issue.name, issue.state_updated_at) == (
        "resolved",
        None,
        "KeyError",
        minute(5),
    )
    assert change(project.pk, issue.pk, {"status": "resolved"}) == []


def test_only_a_status_moves_the_time_of_the_state(project: Project) -> None:
    issue = make(project)
    change(project.pk, issue.pk, {"name": "Cart", "description": "x", "severity": "high"})
    issue.refresh_from_db()
    assert (issue.name, issue.description, issue.severity, issue.state_updated_at) == ("Cart", "x", "high", NOON)


def test_who_saw_another_status_changes_nothing(project: Project) -> None:
    issue = make(project, status="suppressed")
    assert change(project.pk, issue.pk, {"status": "resolved"}, seen="active") == []
    assert len(change(project.pk, issue.pk, {"status": "resolved"}, seen="suppressed")) == 1


def test_many_are_changed_at_once_and_those_that_are_gone_passed_over(project: Project) -> None:
    issues = [make(project), make(project, status="resolved"), make(project, status="archived")]
    stranger = make(make_project("other"))
    wanted = [*(issue.pk for issue in issues), uuid7(), stranger.pk]
    effects = change_many(project.pk, wanted, {"status": "resolved"})
    assert sorted((effect.issue_id, effect.before) for effect in effects) == sorted(
        [(issues[0].pk, {"status": "active"}), (issues[2].pk, {"status": "archived"})], key=lambda pair: pair[0]
    )
    assert {issue.status for issue in Issue.objects.filter(environment_id=project.pk)} == {"resolved"}
    stranger.refresh_from_db()
    assert stranger.status == "active"


def test_an_issue_of_another_project_is_gone(project: Project) -> None:
    stranger = make(make_project("other"))
    for id_ in (stranger.pk, uuid7()):
        with pytest.raises(IssueGone):
            change(project.pk, id_, {"status": "resolved"})
        with pytest.raises(IssueGone):
            assign(project.pk, id_, None)
        with pytest.raises(IssueGone):
            set_cohort(project.pk, id_, 7)


def of(project: Project) -> dict[UUID, tuple[UUID | None, UUID | None]]:
    rows = IssueAssignment.objects.filter(environment_id=project.pk)
    return {row.issue_id: (row.user_id, row.role_id) for row in rows}


def test_an_assignee_is_given_changed_and_taken_away(project: Project) -> None:
    issue, ada, bob = make(project), person(project, "ada"), person(project, "bob")
    to_ada, to_bob = Assignee("user", ada.pk), Assignee("user", bob.pk)
    assert assign(project.pk, issue.pk, to_ada) == [
        (issue.pk, {"assignee": None}, {"assignee": {"type": "user", "id": str(ada.pk)}})
    ]
    assert of(project) == {issue.pk: (ada.pk, None)}
    assert assign(project.pk, issue.pk, to_ada) == []
    assert len(assign(project.pk, issue.pk, to_bob)) == 1
    assert of(project) == {issue.pk: (bob.pk, None)}
    assert len(assign(project.pk, issue.pk, None)) == 1
    assert of(project) == {}


def test_whoever_has_just_been_deleted_is_refused(project: Project) -> None:
    issue = make(project)
    with pytest.raises(Refused):
        assign(project.pk, issue.pk, Assignee("user", uuid7()))
    assert of(project) == {}


def test_only_members_and_roles_of_the_organization_can_be_assigned(project: Project) -> None:
    ada, stranger = person(project, "ada"), person(make_project("other"), "eve")
    organization = project.organization_id
    assert assignable(organization, Assignee("user", ada.pk))
    assert not assignable(organization, Assignee("user", stranger.pk))
    assert not assignable(organization, Assignee("role", ada.pk))


def test_a_cohort_is_set_changed_and_taken_away(project: Project) -> None:
    issue = make(project)
    assert set_cohort(project.pk, issue.pk, 7) == [(issue.pk, {"cohort": None}, {"cohort": 7})]
    assert set_cohort(project.pk, issue.pk, 7) == []
    assert set_cohort(project.pk, issue.pk, 8) == [(issue.pk, {"cohort": 7}, {"cohort": 8})]
    assert set_cohort(project.pk, issue.pk, None) == [(issue.pk, {"cohort": 8}, {"cohort": None})]
