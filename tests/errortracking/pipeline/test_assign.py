"""Issues are assigned by rules when they are made or opened again, and only where nobody is (pipeline 2.10)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from environments import clock
from environments.models import Membership, Project
from errortracking.models import AssignmentRule, GroupingRule, Issue, IssueAssignment
from errortracking.pipeline.group import group
from errortracking.pipeline.link import link_to_issues
from errortracking.pipeline.read import read_exceptions
from errortracking.pipeline.resolve import resolve_frames
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, make_project, outcomes, send
from tests.errortracking.pipeline.ruling import add, assignees, of_issue, person, role, where

LATER = NOON + timedelta(hours=5)


def close(project: Project, status: str = "resolved") -> None:
    Issue.objects.filter(environment_id=project.id).update(status=status)


def test_a_new_issue_is_assigned_to_whom_the_first_matching_rule_names(project: Project) -> None:
    ada, bob, on_call = person(project, "ada"), person(project, "bob"), role(project)
    add(AssignmentRule, project, where("$exception_values", "money", "icontains"), role=on_call, order_key=2)
    add(AssignmentRule, project, where("$exception_types", "ValueError"), user=ada, order_key=3)
    add(AssignmentRule, project, where("$exception_values", "no money"), user=bob, order_key=1)

    with clock.stopped_at(LATER):
        send(
            project,
            entry(exception("KeyError", "no money")),
            entry(exception("OSError", "Money gone")),
            entry(exception("ValueError", "no stock")),
            entry(exception("TypeError", "no stock")),
        )

    assert assignees(project) == {"KeyError": bob.id, "OSError": on_call.id, "ValueError": ada.id}
    assert {row.created_at for row in IssueAssignment.objects.filter(environment_id=project.id)} == {LATER}


def test_a_rule_that_names_nobody_leaves_the_issue_to_the_next(project: Project) -> None:
    ada = person(project)
    add(AssignmentRule, project, where())
    add(AssignmentRule, project, where(), user=ada)

    send(project, entry(exception("ValueError")))

    assert assignees(project) == {"ValueError": ada.id}


def test_of_a_rule_that_names_a_person_and_a_role_the_person_counts(project: Project) -> None:
    ada = person(project)
    add(AssignmentRule, project, where(), user=ada, role=role(project))

    send(project, entry(exception("ValueError")))

    assert assignees(project) == {"ValueError": ada.id}


def test_an_issue_that_is_there_already_is_not_assigned(project: Project) -> None:
    send(project, entry(exception("ValueError")))
    add(AssignmentRule, project, where(), user=person(project))
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {}


@pytest.mark.parametrize("status", ["resolved", "archived", "pending_release"])
def test_an_issue_that_is_opened_again_is_assigned(project: Project, status: str) -> None:
    ada = person(project)
    send(project, entry(exception("ValueError")))
    add(AssignmentRule, project, where(), user=ada)
    close(project, status)
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {"ValueError": ada.id}


def test_who_is_assigned_stays_when_the_issue_is_opened_again(project: Project) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    send(project, entry(exception("ValueError")))
    issue = Issue.objects.get(environment_id=project.id)
    IssueAssignment.objects.create(environment_id=project.id, issue=issue, user=ada)
    add(AssignmentRule, project, where(), user=bob)
    close(project)
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {"ValueError": ada.id}


def test_an_issue_that_its_grouping_rule_opens_again_is_assigned_to_whom_that_names(project: Project) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    add(GroupingRule, project, where(), user=ada)
    send(project, entry(exception("ValueError")))
    IssueAssignment.objects.filter(environment_id=project.id).delete()
    add(AssignmentRule, project, where(), user=bob)
    close(project)
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {"ValueError": ada.id}


def test_a_suppressed_issue_is_neither_opened_nor_assigned(project: Project) -> None:
    send(project, entry(exception("ValueError")))
    add(AssignmentRule, project, where(), user=person(project))
    close(project, "suppressed")
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {}
    assert outcomes(project) == {"stored": 1, "suppressed/issue": 1}


def test_the_event_that_makes_the_issue_decides_and_not_those_after_it(project: Project) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    add(AssignmentRule, project, where("shop", "Bonn"), user=bob)
    add(AssignmentRule, project, where("shop", "Berlin"), user=ada)

    send(project, entry(properties={"shop": "Berlin"}), entry(properties={"shop": "Bonn"}))

    assert assignees(project) == {"ValueError": ada.id}


def test_rules_see_the_issues_name_description_and_status(project: Project) -> None:
    ada, bob, cy, dee = person(project, "ada"), person(project, "bob"), person(project, "cy"), person(project, "dee")
    add(AssignmentRule, project, of_issue("name", "Checkout"), user=ada)
    add(AssignmentRule, project, of_issue("description", "no stock"), user=bob)
    add(AssignmentRule, project, of_issue("status", "resolved"), user=cy)  # it is opened before rules are tried
    add(AssignmentRule, project, of_issue("status", "active"), user=dee)

    send(
        project,
        entry(exception("ValueError", "a"), properties={"$issue_name": "Checkout"}),
        entry(exception("KeyError", "no stock")),
        entry(exception("OSError", "b")),
    )

    assert assignees(project) == {"Checkout": ada.id, "KeyError": bob.id, "OSError": dee.id}


def test_an_issue_that_is_opened_again_is_seen_by_the_name_that_people_gave_it(project: Project) -> None:
    ada = person(project)
    send(project, entry(exception("ValueError", "no stock")))
    add(AssignmentRule, project, of_issue("name", "Checkout"), user=ada)
    Issue.objects.filter(environment_id=project.id).update(status="resolved", name="Checkout")
    send(project, entry(exception("ValueError", "no stock")))

    assert assignees(project) == {"Checkout": ada.id}


def test_a_rule_of_another_project_does_not_count(project: Project) -> None:
    add(AssignmentRule, make_project("other"), where(), user=person(project))
    send(project, entry(exception("ValueError")))

    assert assignees(project) == {}


def test_nobody_who_has_left_the_organization_is_assigned(project: Project) -> None:
    ada, stranger = person(project), person(make_project("other"))
    on_call, foreign = role(project), role(make_project("third"))
    add(AssignmentRule, project, where("$exception_types", "ValueError"), user=ada)
    add(AssignmentRule, project, where("$exception_types", "KeyError"), user=stranger)
    add(AssignmentRule, project, where("$exception_types", "OSError"), role=foreign)
    add(AssignmentRule, project, where("$exception_types", "TypeError"), role=on_call)
    Membership.objects.filter(user=ada).delete()

    send(project, *(entry(exception(type_)) for type_ in ("ValueError", "KeyError", "OSError", "TypeError")))

    assert assignees(project) == {"TypeError": on_call.id}
    assert outcomes(project) == {"stored": 4}


def test_a_rule_whose_person_was_deleted_since_it_was_read_assigns_nobody(project: Project) -> None:
    ada = person(project)
    add(AssignmentRule, project, where(), user=ada)
    events = batch(project, entry(exception("ValueError")), entry(exception("KeyError")))
    for stage in (read_exceptions, resolve_frames, group):  # the rules are read when exceptions are grouped
        stage(events)
    ada.delete()

    link_to_issues(events)

    assert assignees(project) == {}
    assert Issue.objects.filter(environment_id=project.id).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_person_who_takes_the_issue_at_the_same_time_keeps_it() -> None:
    project = make_project()
    ada, bob = person(project, "ada"), person(project, "bob")
    send(project, entry(exception("ValueError")))
    close(project)
    add(AssignmentRule, project, where(), user=bob)
    events = batch(project, entry(exception("ValueError")))
    issue = Issue.objects.get(environment_id=project.id)
    taken, done = threading.Event(), threading.Event()

    def take() -> None:
        with transaction.atomic():
            IssueAssignment.objects.create(environment_id=project.id, issue=issue, user=ada)
            taken.set()
            done.wait(0.3)  # the worker comes to the same row meanwhile, and waits for this commit
        connection.close()

    somebody = threading.Thread(target=take)
    somebody.start()
    assert taken.wait(5)
    with transaction.atomic():
        for stage in (read_exceptions, resolve_frames, group, link_to_issues):
            stage(events)
    done.set()
    somebody.join()

    assert assignees(project) == {"ValueError": ada.id}
    assert Issue.objects.get(environment_id=project.id).status == "active"
