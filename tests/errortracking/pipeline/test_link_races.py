"""Two workers at the same issue at the same time, on two connections: one makes or opens it, once (pipeline 2.9).

A project's lock keeps workers apart; what is shown here is that nothing depends on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from environments.models import Project
from errortracking.models import AssignmentRule, Fingerprint, GroupingRule, Issue, IssueAssignment
from errortracking.models.payload import EventEntry
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.group import group
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import batch, entry, exception, make_project, send
from tests.errortracking.pipeline.ruling import add, person, where

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = 0.3  # seconds that the first worker keeps its transaction open, while the second comes to the same row


def prepared(project: Project, *entries: EventEntry) -> Batch:
    """Return a batch that knows its fingerprints; outside of a transaction, so that it locks nothing."""
    events = batch(project, *entries)
    for stage in (read_exceptions, resolve_frames, group):
        stage(events)
    return events


def together(first: Batch, second: Batch, *, commit: bool = True) -> None:
    """Link both: the first has done so when the second begins, and ends its transaction a moment later."""
    linked = threading.Event()
    failed: list[BaseException] = []

    def in_a_thread(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)
            finally:
                connection.close()

        return run

    def go_first() -> None:
        with transaction.atomic():
            link_to_issues(first)
            linked.set()
            threading.Event().wait(MOMENT)
            transaction.set_rollback(not commit)

    def go_second() -> None:
        assert linked.wait(5)
        with transaction.atomic():
            link_to_issues(second)

    threads = [threading.Thread(target=in_a_thread(work)) for work in (go_first, go_second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def issues(project: Project) -> list[Issue]:
    return list(Issue.objects.filter(environment_id=project.id))


@pytest.mark.parametrize("by_rule", [False, True])
def test_one_of_two_who_find_a_new_exception_makes_its_issue(by_rule: bool) -> None:
    project = make_project()
    if by_rule:
        add(GroupingRule, project, where(), user=person(project))
    first, second = prepared(project, entry()), prepared(project, entry())

    together(first, second)

    (issue,) = issues(project)
    assert Fingerprint.objects.get(environment_id=project.id).issue_id == issue.id
    assert {event.issue_id for event in (*first.events, *second.events)} == {issue.id}
    assert first.events[0].fingerprint_id == second.events[0].fingerprint_id
    assert IssueAssignment.objects.filter(environment_id=project.id).count() == int(by_rule)


def test_the_second_makes_the_issue_when_the_first_is_rolled_back() -> None:
    project = make_project()
    first, second = prepared(project, entry()), prepared(project, entry())

    together(first, second, commit=False)

    (issue,) = issues(project)
    assert second.events[0].issue_id == issue.id
    assert first.events[0].issue_id != issue.id


def test_who_loses_one_of_several_keeps_the_others() -> None:
    project = make_project()
    first = prepared(project, entry(exception("ValueError")), entry(exception("KeyError")))
    second = prepared(project, entry(exception("OSError")), entry(exception("KeyError")))

    together(first, second)

    assert sorted(issue.name or "" for issue in issues(project)) == ["KeyError", "OSError", "ValueError"]
    assert first.events[1].issue_id == second.events[1].issue_id


def test_one_of_two_who_find_a_closed_issue_opens_and_assigns_it() -> None:
    project = make_project()
    ada, bob = person(project, "ada"), person(project, "bob")
    send(project, entry())
    Issue.objects.filter(environment_id=project.id).update(status="resolved")
    add(AssignmentRule, project, where("shop", "Berlin"), user=ada)
    add(AssignmentRule, project, where("shop", "Bonn"), user=bob)
    first = prepared(project, entry(properties={"shop": "Berlin"}))
    second = prepared(project, entry(properties={"shop": "Bonn"}))

    together(first, second)

    (issue,) = issues(project)
    assert issue.status == "active"
    assert IssueAssignment.objects.get(environment_id=project.id).user_id == ada.id


@pytest.mark.parametrize(
    ("meanwhile", "status", "outcome"),
    [("resolved", "active", None), ("suppressed", "suppressed", "suppressed"), ("active", "active", None)],
)
def test_who_loses_to_an_issue_that_people_have_decided_on_treats_it_as_known(
    meanwhile: str, status: str, outcome: Any
) -> None:
    project = make_project()
    ada = person(project)
    add(AssignmentRule, project, where(), user=ada)
    late = prepared(project, entry())
    send(project, entry())
    IssueAssignment.objects.filter(environment_id=project.id).delete()
    Issue.objects.filter(environment_id=project.id).update(status=meanwhile)

    with transaction.atomic():
        link_to_issues(late)

    (issue,) = issues(project)
    assert (issue.status, late.events[0].outcome) == (status, outcome)
    # Assigned only where it was opened again.
    assert IssueAssignment.objects.filter(environment_id=project.id).count() == int(meanwhile == "resolved")
