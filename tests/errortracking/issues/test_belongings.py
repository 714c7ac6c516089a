"""What hangs on a merged issue: what goes to the target, what only waits for an undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments import clock
from environments.models import Project, Role, User
from errortracking.issues.changing import Assignee, assign, set_cohort
from errortracking.issues.merging import merge
from errortracking.issues.undoing import undo
from errortracking.models import (
    ExternalReference,
    Issue,
    IssueAssignment,
    IssueCohort,
    RateLimitBucket,
    SpikeEvent,
    SpikeSnooze,
)
from tests.errortracking.issues.making import ACTOR, came, minute
from tests.errortracking.pipeline.making import NOON, make_project
from tests.errortracking.pipeline.ruling import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


@pytest.fixture
def three(project: Project) -> list[Issue]:
    return [came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError")]


def assigned(project: Project) -> dict[Any, Any]:
    rows = IssueAssignment.objects.filter(environment_id=project.pk)
    return {row.issue_id: row.user_id or row.role_id for row in rows}


def cohorts(project: Project) -> dict[Any, int]:
    return dict(IssueCohort.objects.filter(environment_id=project.pk).values_list("issue_id", "cohort_id"))


def merge_all(project: Project, issues: list[Issue]) -> None:
    merge(project.pk, issues[0].pk, [issue.pk for issue in issues[1:]], ACTOR)


def test_a_target_without_an_assignee_takes_that_of_the_first_that_has_one(
    project: Project, three: list[Issue]
) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    assign(project.pk, three[1].pk, Assignee("user", ada.pk))
    assign(project.pk, three[2].pk, Assignee("user", bob.pk))
    merge_all(project, three)
    assert assigned(project) == {three[0].pk: ada.pk}
    undo(project.pk, three[0].pk, ACTOR)
    assert assigned(project) == {three[1].pk: ada.pk, three[2].pk: bob.pk}


def test_a_targets_own_assignee_stays_and_the_others_come_back(project: Project, three: list[Issue]) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    role = Role.objects.create(organization_id=project.organization_id, name="backend")
    for issue, assignee in zip(
        three, (Assignee("user", ada.pk), Assignee("user", bob.pk), Assignee("role", role.pk)), strict=True
    ):
        assign(project.pk, issue.pk, assignee)
    merge_all(project, three)
    assert assigned(project) == {three[0].pk: ada.pk}
    undo(project.pk, three[0].pk, ACTOR)
    assert assigned(project) == {three[0].pk: ada.pk, three[1].pk: bob.pk, three[2].pk: role.pk}


def test_whoever_was_assigned_since_keeps_the_target(project: Project, three: list[Issue]) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    assign(project.pk, three[1].pk, Assignee("user", ada.pk))
    merge_all(project, three)
    assign(project.pk, three[0].pk, Assignee("user", bob.pk))
    undo(project.pk, three[0].pk, ACTOR)
    assert assigned(project) == {three[0].pk: bob.pk, three[1].pk: ada.pk}


def test_an_assignee_who_has_left_does_not_come_back(project: Project, three: list[Issue]) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    assign(project.pk, three[0].pk, Assignee("user", bob.pk))
    assign(project.pk, three[1].pk, Assignee("user", ada.pk))
    merge_all(project, three)
    User.objects.get(pk=ada.pk).delete()
    undo(project.pk, three[0].pk, ACTOR)
    assert assigned(project) == {three[0].pk: bob.pk}


def test_a_cohort_goes_as_an_assignee_does(project: Project, three: list[Issue]) -> None:
    set_cohort(project.pk, three[1].pk, 7)
    set_cohort(project.pk, three[2].pk, 8)
    merge_all(project, three)
    assert cohorts(project) == {three[0].pk: 7}
    undo(project.pk, three[0].pk, ACTOR)
    assert cohorts(project) == {three[1].pk: 7, three[2].pk: 8}
    set_cohort(project.pk, three[0].pk, 6)
    merge_all(project, three)
    assert cohorts(project) == {three[0].pk: 6}


def test_references_and_spikes_all_go_and_later_ones_stay_with_the_target(project: Project, three: list[Issue]) -> None:
    def make(issue: Issue, number: int) -> None:
        ExternalReference.objects.create(
            environment=project,
            issue=issue,
            provider="github",
            external_context={"url": f"https://github.com/{number}"},
        )
        SpikeEvent.objects.create(
            environment=project, issue=issue, detected_at=NOON, computed_baseline=1.0, current_bucket_value=number
        )

    def had() -> list[list[int]]:
        rows = SpikeEvent.objects.filter(environment_id=project.pk).order_by("current_bucket_value")
        values = [[row.current_bucket_value for row in rows if row.issue_id == issue.pk] for issue in three]
        references = ExternalReference.objects.filter(environment_id=project.pk)
        assert values == [
            sorted(int(row.external_context["url"][-1]) for row in references if row.issue_id == issue.pk)
            for issue in three
        ]
        return values

    for number, issue in enumerate([three[0], three[1], three[1], three[2]]):
        make(issue, number)
    merge_all(project, three)
    assert had() == [[0, 1, 2, 3], [], []]
    make(three[0], 4)
    ExternalReference.objects.filter(environment_id=project.pk, external_context__url="https://github.com/2").delete()
    SpikeEvent.objects.filter(environment_id=project.pk, current_bucket_value=2).delete()
    undo(project.pk, three[0].pk, ACTOR)
    assert had() == [[0, 4], [1], [3]]


def test_a_snooze_lasts_until_the_latest_of_all(project: Project, three: list[Issue]) -> None:
    for issue, minutes in zip(three, (10, 30, 20), strict=True):
        times = {"snoozed_at": minute(minutes - 5), "snoozed_until": minute(minutes)}
        SpikeSnooze.objects.create(environment=project, issue=issue, **times)
    merge_all(project, three)
    (row,) = SpikeSnooze.objects.filter(environment_id=project.pk)
    assert (row.issue_id, row.snoozed_at, row.snoozed_until) == (three[0].pk, minute(25), minute(30))
    undo(project.pk, three[0].pk, ACTOR)
    rows = SpikeSnooze.objects.filter(environment_id=project.pk)
    # The target goes on with what it was given: it has been told of that spike, too.
    assert {row.issue_id: row.snoozed_until for row in rows} == {
        three[0].pk: minute(30),
        three[1].pk: minute(30),
        three[2].pk: minute(20),
    }


@pytest.mark.parametrize(
    ("own", "minutes_ago", "left"),
    [
        (None, 0, 2),
        (7, 0, 2),
        (1, 0, 1),
        (0, 120, 2),  # empty two hours ago, and long full again
    ],
)
def test_the_bucket_that_is_emptiest_now_goes_on(
    project: Project, three: list[Issue], own: int | None, minutes_ago: int, left: int
) -> None:
    RateLimitBucket.objects.filter(environment_id=project.pk).delete()  # of the exceptions that made the issues
    for issue, tokens, ago in zip(three, (own, 5, 2), (minutes_ago, 0, 0), strict=True):
        if tokens is not None:
            RateLimitBucket.objects.create(
                environment=project,
                id=issue.pk,
                at=NOON - timedelta(minutes=ago),
                tokens=tokens,
                fraction=0,
                value=10,
                minutes=1,
                version=3,
            )
    with clock.stopped_at(NOON):
        merge_all(project, three)
    rows = RateLimitBucket.objects.filter(environment_id=project.pk)
    assert [(row.pk, row.tokens, row.version) for row in rows] == [(three[0].pk, left, 3)]
