"""Bypass rules: which exceptions pay no token (pipeline 2.10)."""

from __future__ import annotations

from uuid import UUID

from environments.models import Project
from errortracking.models import BypassRule, ErrorTrackingSettings
from errortracking.models.payload import EventEntry
from errortracking.pipeline.bypass import bypassed
from errortracking.pipeline.read import read_exceptions
from tests.errortracking.pipeline.making import batch, entry, exception, make_project, outcomes, send
from tests.errortracking.pipeline.ruling import add, where


def passing(project: Project, *entries: EventEntry) -> set[UUID]:
    events = batch(project, *entries)
    read_exceptions(events)
    return bypassed(events)


def test_without_rules_everything_pays(project: Project) -> None:
    assert passing(project, entry(), entry(exception("KeyError"))) == set()


def test_what_any_rule_matches_passes(project: Project) -> None:
    add(BypassRule, project, where("$exception_types", "KeyError"))
    add(BypassRule, project, where("shop", "Berlin"))
    first, second, third = (
        entry(exception("KeyError")),
        entry(properties={"shop": "Berlin"}),
        entry(properties={"shop": "Bonn"}),
    )

    assert passing(project, first, second, third) == {UUID(first["uuid"]), UUID(second["uuid"])}


def test_a_rule_that_says_nothing_lets_nothing_pass(project: Project) -> None:
    add(BypassRule, project, {"type": "AND", "values": []})

    assert passing(project, entry()) == set()


def test_an_exception_that_cannot_be_read_pays(project: Project) -> None:
    add(BypassRule, project, where("$exception_types", "KeyError", "is_not"))
    unreadable, readable = entry(properties={"$exception_list": "nonsense"}), entry()

    assert passing(project, unreadable, readable) == {UUID(readable["uuid"])}


def test_a_rule_of_another_project_does_not_count(project: Project) -> None:
    add(BypassRule, make_project("other"), where())

    assert passing(project, entry()) == set()


def test_a_project_at_its_limit_stores_what_a_rule_lets_pass_and_nothing_else(project: Project) -> None:
    ErrorTrackingSettings.objects.create(environment_id=project.id, project_rate_limit_value=1)
    add(BypassRule, project, where("$exception_types", "KeyError"))

    send(
        project, *(entry(exception("ValueError")) for _ in range(3)), *(entry(exception("KeyError")) for _ in range(4))
    )

    assert outcomes(project) == {"stored": 5, "rate_limited/project": 2}
