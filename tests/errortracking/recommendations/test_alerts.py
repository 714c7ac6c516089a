"""Pipeline 4.1, `alerts`."""

from __future__ import annotations

import pytest

from environments.models import Project
from errortracking.recommendations.types.alerts import TYPE, checklist
from tests.errortracking.pipeline.making import make_project
from tests.notifications.making import make_destination

CREATED, REOPENED, SPIKING = (f"error-tracking-issue-{word}" for word in ("created", "reopened", "spiking"))


def test_the_keys_in_their_order() -> None:
    """4.1, meta: keys created, reopened, spiking."""
    assert checklist([]) == {
        "alerts": [
            {"key": "error-tracking-issue-created", "enabled": False},
            {"key": "error-tracking-issue-reopened", "enabled": False},
            {"key": "error-tracking-issue-spiking", "enabled": False},
        ]
    }


def enabled(project: Project) -> list[bool]:
    return [item["enabled"] for item in TYPE.compute(project.pk)["alerts"]]


def test_a_key_is_enabled_when_a_destination_listens_to_it(project: Project) -> None:
    """4.1, rules: a key is enabled when a live destination filters on it."""
    make_destination(project, events=["issue_reopened", "health_issue_firing"])
    assert enabled(project) == [False, True, False]
    make_destination(project, events=["issue_created"])
    make_destination(project, events=["issue_spiking"], severities=["critical"])
    assert enabled(project) == [True, True, True]


def test_a_destination_that_is_off_or_anothers_does_not_count(project: Project) -> None:
    make_destination(project, enabled=False)
    make_destination(make_project())
    assert enabled(project) == [False, False, False]


def test_without_destinations_all_are_disabled(project: Project) -> None:
    assert TYPE.compute(project.pk) == checklist([])


@pytest.mark.parametrize(
    ("meta", "completed"),
    [
        (checklist([CREATED, REOPENED, SPIKING]), True),
        (checklist([CREATED, REOPENED]), False),
        (checklist([]), False),
        ({"alerts": []}, False),
        ({}, False),
        ({"alerts": [{"key": CREATED, "enabled": True}]}, True),
    ],
)
def test_completed_when_there_are_alerts_and_all_are_enabled(meta: dict[str, object], completed: bool) -> None:
    """3, completed: list non-empty and all enabled."""
    assert TYPE.is_completed(meta) is completed
