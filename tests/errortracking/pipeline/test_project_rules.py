"""The rules of a batch: read once, always as they are now, switched off where they fail, skipped where they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from structlog.testing import capture_logs

from environments import clock
from environments.models import Project
from environments.tenancy import guard
from errortracking.models import (
    AssignmentRule,
    BypassRule,
    ErrorTrackingSettings,
    Fingerprint,
    GroupingRule,
    SuppressionRule,
)
from errortracking.models.rules import Rule
from errortracking.pipeline import project_rules
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.process import STAGES
from errortracking.rules import limits
from tests.errortracking.pipeline.making import NOON, batch, entry, exception, make_project, outcomes, send
from tests.errortracking.pipeline.ruling import add, assignees, person, where

LATER = NOON + timedelta(hours=5)
KINDS: list[type[Rule]] = [GroupingRule, SuppressionRule, AssignmentRule, BypassRule]
FAILING = where("size", 5, "gt")  # on an event whose size is no number
BIG = {"size": "XL"}


def try_rules(events: Batch) -> None:
    """Run the stages that have to do with rules, up to the one that switches off what failed."""
    for stage in STAGES[: STAGES.index(project_rules.switch_off_failed)]:
        stage(events)


def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that fills with the raw statements that read or write rules."""
    seen: list[str] = []
    check = guard.check

    def spy(statement: str) -> None:
        if "rule WHERE" in statement or "rule r SET" in statement:
            seen.append(statement)
        check(statement)

    monkeypatch.setattr(guard, "check", spy)
    return seen


def test_a_batch_asks_once_for_all_rules(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in KINDS:
        add(model, project, where("shop", "Berlin"))
    seen = statements(monkeypatch)

    try_rules(batch(project, entry(exception("ValueError")), entry(exception("KeyError"))))

    assert len(seen) == 1


def test_a_batch_without_exceptions_that_can_be_read_asks_for_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = statements(monkeypatch)

    try_rules(batch(project, entry(properties={"$exception_list": "nonsense"})))

    assert seen == []


def test_a_rule_that_is_changed_counts_as_changed_from_the_next_batch_on_even_within_one_moment(
    project: Project,
) -> None:
    with clock.stopped_at(NOON):
        rule = add(SuppressionRule, project, where("$exception_types", "ValueError"))
        send(project, entry(exception("ValueError")))
        rule.filters = where("$exception_types", "KeyError")
        rule.save()
        send(project, entry(exception("ValueError")), entry(exception("KeyError")))
        rule.sampling_rate = 0.0
        rule.save()
        send(project, entry(exception("KeyError")))
        rule.delete()
        send(project, entry(exception("KeyError")))

    assert outcomes(project) == {"suppressed/rule": 2, "stored": 3}


@pytest.mark.parametrize("model", KINDS)
def test_a_rule_that_is_switched_off_is_not_tried(project: Project, model: type[Rule]) -> None:
    ErrorTrackingSettings.objects.create(environment_id=project.id, project_rate_limit_value=1)
    columns = {"user": person(project)} if model in (GroupingRule, AssignmentRule) else {}
    add(model, project, where(), disabled_data={"message": "no", "props": {}}, **columns)
    send(project, entry(exception("ValueError")), entry(exception("ValueError")))

    assert outcomes(project) == {"stored": 1, "rate_limited/project": 1}
    assert Fingerprint.objects.get(environment_id=project.id).kind == "v2"
    assert assignees(project) == {}


@pytest.mark.parametrize("model", KINDS)
def test_a_rule_that_fails_is_switched_off_with_its_reason_and_what_it_looked_at(
    project: Project, model: type[Rule]
) -> None:
    columns = {"user": person(project)} if model in (GroupingRule, AssignmentRule) else {}
    rule = add(model, project, FAILING, **columns)
    with capture_logs() as logs, clock.stopped_at(LATER):
        send(project, entry(exception("ValueError", "no stock"), properties={**BIG, "shop": "not its business"}))

    rule.refresh_from_db()
    expected: dict[str, Any] = {
        "message": "`gt` compares numbers, but the value is a text that is none",
        "props": {"size": "XL"},
    }
    if model is AssignmentRule:
        expected["issue"] = {"name": "ValueError", "description": "no stock", "status": "active"}
    assert rule.disabled_data == expected
    assert rule.updated_at == LATER
    assert outcomes(project) == {"stored": 1}
    (said,) = [line for line in logs if line["event"] == "rule switched off"]
    assert said["rule"] == str(rule.id)
    assert said["reason"] == expected["message"]


def test_a_rule_that_failed_on_one_event_is_not_tried_on_the_others_of_the_batch(project: Project) -> None:
    rule = add(SuppressionRule, project, FAILING)
    large = {"size": 7}
    send(project, entry(properties=large), entry(properties=BIG), entry(properties=large))
    send(project, entry(properties=large))

    rule.refresh_from_db()
    assert rule.disabled_data
    assert outcomes(project) == {"suppressed/rule": 1, "stored": 3}


def test_a_rule_that_fails_leaves_the_event_to_the_next(project: Project) -> None:
    add(SuppressionRule, project, FAILING)
    add(SuppressionRule, project, where("size", "XL"))
    send(project, entry(properties=BIG))

    assert outcomes(project) == {"suppressed/rule": 1}


def test_what_is_shown_of_a_failure_is_cut(project: Project) -> None:
    rule = add(SuppressionRule, project, where("size", 5, "gt"))
    send(project, entry(properties={"size": "X" * 5_000}))

    rule.refresh_from_db()
    assert rule.disabled_data
    assert rule.disabled_data["props"] == {"size": "X" * 997 + "..."}


@pytest.mark.parametrize("model", KINDS)
def test_filters_that_cannot_be_compiled_switch_the_rule_off(project: Project, model: type[Rule]) -> None:
    rule = add(model, project, where("shop", "a(b", "regex"))
    fine = add(SuppressionRule, project, where())
    send(project, entry(exception("ValueError")))

    rule.refresh_from_db()
    fine.refresh_from_db()
    assert rule.disabled_data == {
        "message": "Not a regular expression (RE2): missing ): a(b. (at values.0.value)",
        "props": {},
    }
    assert fine.disabled_data is None
    assert outcomes(project) == {"suppressed/rule": 1}


def test_filters_that_cannot_even_be_read_switch_the_rule_off(project: Project) -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep, deep] if deep == [] else [deep]
    rule = add(SuppressionRule, project, {"type": "AND", "values": deep})
    send(project, entry())

    rule.refresh_from_db()
    assert rule.disabled_data
    assert outcomes(project) == {"stored": 1}


def test_conditions_on_the_issue_stand_in_assignment_rules_only(project: Project) -> None:
    rule = add(SuppressionRule, project, where("status", "resolved", "is_not", type="error_tracking_issue"))
    send(project, entry())

    rule.refresh_from_db()
    assert rule.disabled_data == {"message": "Must be event. (at values.0.type)", "props": {}}
    assert outcomes(project) == {"stored": 1}


def test_a_rule_that_somebody_repairs_while_the_batch_runs_stays_on(project: Project) -> None:
    rule = add(SuppressionRule, project, FAILING)
    events = batch(project, entry(properties=BIG))
    try_rules(events)
    rule.filters = where("size", "S")
    rule.save()

    project_rules.switch_off_failed(events)

    rule.refresh_from_db()
    assert rule.disabled_data is None


def test_a_rule_is_switched_off_in_the_batchs_transaction_and_in_its_project_only(project: Project) -> None:
    rule = add(SuppressionRule, project, FAILING)
    same = add(SuppressionRule, make_project("neighbour"), FAILING)
    with transaction.atomic():
        events = batch(project, entry(properties=BIG))
        try_rules(events)
        project_rules.switch_off_failed(events)
        rule.refresh_from_db()
        same.refresh_from_db()
        seen_within = (rule.disabled_data is not None, same.disabled_data is not None)
        transaction.set_rollback(True)

    assert seen_within == (True, False)
    rule.refresh_from_db()
    assert rule.disabled_data is None


def test_an_event_that_would_take_too_many_steps_is_passed_over_and_the_rule_stays(project: Project) -> None:
    rule = add(SuppressionRule, project, where("shops", "Berlin"))
    many = ["Bonn"] * limits.STEPS_PER_RULE + ["Berlin"]
    with capture_logs() as logs:
        send(
            project,
            entry(properties={"shops": many}),
            entry(properties={"shops": many}),
            entry(properties={"shops": ["Berlin"]}),
        )

    rule.refresh_from_db()
    assert rule.disabled_data is None
    assert outcomes(project) == {"stored": 2, "suppressed/rule": 1}
    (said,) = [line for line in logs if line["event"] == "rule skipped"]
    assert (said["kind"], said["rule"], said["events"]) == ("suppression", str(rule.id), 2)
