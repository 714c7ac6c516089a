"""Grouping rules: what they match is one issue, whatever its stack (pipeline 2.8)."""

from __future__ import annotations

import pytest

from environments.ids import uuid7
from environments.models import Project
from errortracking.models import AssignmentRule, Event, Fingerprint, GroupingRule, Issue
from tests.errortracking.pipeline.making import entry, exception, frame, make_project, outcomes, send, stored
from tests.errortracking.pipeline.ruling import add, assignees, person, role, where

SHOP = where("shop", "Berlin")


def fingerprints(project: Project) -> list[str]:
    return sorted(Fingerprint.objects.filter(environment_id=project.id).values_list("fingerprint", flat=True))


def test_exceptions_that_a_rule_matches_are_one_issue_by_the_rules_fingerprint(project: Project) -> None:
    rule = add(GroupingRule, project, where("$exception_types", ["ValueError", "KeyError"]))

    send(project, entry(exception("ValueError", frames=[frame("a")])), entry(exception("KeyError")))
    send(project, entry(exception("KeyError", frames=[frame("b")])), entry(exception("OSError")))

    custom = Fingerprint.objects.get(environment_id=project.id, kind="custom")
    assert custom.fingerprint == f"custom-rule:{rule.id}"
    assert custom.record == [{"type": "custom", "rule_id": str(rule.id)}]
    assert Event.objects.filter(environment_id=project.id, fingerprint_id=custom.id).count() == 3
    # Named after the first exception, as any issue.
    issues = Issue.objects.filter(environment_id=project.id)
    assert sorted(issue.name or "" for issue in issues) == ["OSError", "ValueError"]


def test_a_custom_fingerprint_has_no_version_in_what_is_stored(project: Project) -> None:
    add(GroupingRule, project, where())
    sent = entry(exception("ValueError"))
    send(project, sent)

    assert "$exception_fingerprint_version" not in stored(project, sent["uuid"])["properties"]


def test_the_first_rule_that_matches_wins(project: Project) -> None:
    second = add(GroupingRule, project, where(), order_key=2)
    first = add(GroupingRule, project, where("$exception_values", "stock", "icontains"), order_key=1)

    send(project, entry(exception("ValueError", "no stock")), entry(exception("ValueError", "no money")))

    assert fingerprints(project) == sorted([f"custom-rule:{first.id}", f"custom-rule:{second.id}"])


def test_rules_with_the_same_place_are_tried_in_the_order_of_their_ids(project: Project) -> None:
    first, second = sorted((uuid7(), uuid7()))
    add(GroupingRule, project, where(), order_key=0, id=second)
    add(GroupingRule, project, where(), order_key=0, id=first)

    send(project, entry(exception("ValueError")))

    assert fingerprints(project) == [f"custom-rule:{first}"]


def test_a_clients_own_fingerprint_outvotes_every_rule(project: Project) -> None:
    somebody = person(project)
    add(GroupingRule, project, where(), user=somebody)

    send(project, entry(exception("ValueError"), properties={"$exception_fingerprint": "checkout"}))

    assert fingerprints(project) == ["checkout"]
    assert assignees(project) == {}


def test_a_rule_takes_over_an_exception_that_already_has_an_issue(project: Project) -> None:
    send(project, entry(exception("ValueError")))
    rule = add(GroupingRule, project, where())
    send(project, entry(exception("ValueError")))

    assert Issue.objects.filter(environment_id=project.id).count() == 2
    assert f"custom-rule:{rule.id}" in fingerprints(project)


def test_without_its_rule_an_exception_is_grouped_by_its_stack_again(project: Project) -> None:
    rule = add(GroupingRule, project, where())
    send(project, entry(exception("ValueError")))
    rule.delete()
    send(project, entry(exception("ValueError")))

    assert sorted(Fingerprint.objects.filter(environment_id=project.id).values_list("kind", flat=True)) == [
        "custom",
        "v2",
    ]


def test_an_exception_that_cannot_be_read_matches_no_rule(project: Project) -> None:
    add(GroupingRule, project, where("$exception_types", "KeyError", "is_not"))

    send(project, entry(properties={"$exception_list": "nonsense"}))

    assert fingerprints(project) == []
    assert outcomes(project) == {"stored": 1}


def test_rules_see_what_was_derived_from_the_resolved_stack(project: Project) -> None:
    rules = {
        "functions": add(GroupingRule, project, where("$exception_functions", "refund")),
        "sources": add(GroupingRule, project, where("$exception_sources", r"^shop/till\.py$", "regex")),
        "handled": add(GroupingRule, project, where("$exception_handled", ["true"])),
        "level": add(GroupingRule, project, where("$exception_level", "fatal")),
        "library": add(GroupingRule, project, where("$lib", "posthog-node")),
    }
    send(
        project,
        entry(exception(frames=[frame("refund")])),
        entry(exception(frames=[frame(filename="shop/till.py")])),
        entry(exception(mechanism={"handled": True})),
        entry(properties={"$exception_level": "fatal"}),
        entry(properties={"$lib": "posthog-node"}),
        # Not of this project's own code: functions of other people's are not listed.
        entry(exception(frames=[frame("refund", in_app=False, lineno=9), frame("pay")])),
    )

    found = [text for text in fingerprints(project) if text.startswith("custom-rule:")]
    assert found == sorted(f"custom-rule:{rule.id}" for rule in rules.values())
    assert len(fingerprints(project)) == 6


def test_a_rule_of_another_project_does_not_count(project: Project) -> None:
    add(GroupingRule, make_project("other"), where())

    send(project, entry(exception("ValueError")))

    assert [text.startswith("custom-rule") for text in fingerprints(project)] == [False]


def test_an_issue_made_by_a_rule_is_assigned_to_whom_the_rule_names(project: Project) -> None:
    ada, on_call = person(project), role(project)
    add(GroupingRule, project, where("$exception_types", "ValueError"), user=ada)
    add(GroupingRule, project, where("$exception_types", "KeyError"), role=on_call)
    add(GroupingRule, project, where("$exception_types", "OSError"))

    send(project, *(entry(exception(type_)) for type_ in ("ValueError", "KeyError", "OSError", "TypeError")))

    assert assignees(project) == {"ValueError": ada.id, "KeyError": on_call.id}


def test_the_grouping_rules_assignee_goes_before_those_of_assignment_rules(project: Project) -> None:
    ada, bob = person(project, "ada"), person(project, "bob")
    add(GroupingRule, project, where("$exception_types", "ValueError"), user=ada)
    add(GroupingRule, project, where("$exception_types", "KeyError"))
    add(AssignmentRule, project, where("$exception_types", "x", "is_not"), user=bob)

    send(project, entry(exception("ValueError")), entry(exception("KeyError")))

    assert assignees(project) == {"ValueError": ada.id, "KeyError": bob.id}


@pytest.mark.parametrize("filters", [{}, {"type": "AND", "values": []}])
def test_a_rule_that_says_nothing_groups_nothing(project: Project, filters: object) -> None:
    add(GroupingRule, project, filters)

    send(project, entry(exception("ValueError")), entry(exception("KeyError")))

    assert Issue.objects.filter(environment_id=project.id).count() == 2
