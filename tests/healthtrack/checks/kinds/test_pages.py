"""Kinds about the web: silence, page leaves, web vitals (pipeline 5.4); only for projects that ever used a web SDK."""

from __future__ import annotations

import pytest

from environments import clock
from errortracking.models import EventCount
from errortracking.pipeline import count
from healthtrack.checks.registry import CHECKS
from healthtrack.checks.running import run
from tests.environments.world import World
from tests.errortracking.pipeline.making import NOON as PIPELINES_NOON
from tests.errortracking.pipeline.making import make_project, other, send
from tests.healthtrack.checks.kinds.asking import active, found
from tests.healthtrack.checks.kinds.counting import sent

pytestmark = pytest.mark.django_db
SILENT = [("critical", {"reason": "No $pageview or $screen events in last 30 days"})]
NO_LEAVE = [("warning", {"reason": "Team has $pageview events but no $pageleave events in last 30 days"})]
NO_VITALS = [("warning", {"reason": "Team has $pageview events but no $web_vitals events in last 30 days"})]


@pytest.mark.parametrize("event", ["$pageview", "$screen"])
def test_a_view_or_a_screen_is_a_live_event(world: World, event: str) -> None:
    sent(world, "$pageview", days_ago=31)
    assert found("no_live_events", world) == [SILENT]
    sent(world, event, days_ago=30)
    assert found("no_live_events", world) == [[]]


def test_exceptions_of_a_browser_are_no_live_event(world: World) -> None:
    sent(world, "$exception", 500)
    assert found("no_live_events", world) == [SILENT]


def test_a_project_without_a_web_sdk_is_not_silent(world: World) -> None:
    sent(world, "$exception", 500, sdk="posthog-python")
    sent(world, "$exception", 500, sdk="posthog-node")
    assert found("no_live_events", world) == [[]]


def test_a_project_that_sent_nothing_ever_is_not_silent(world: World) -> None:
    assert found("no_live_events", world) == [[]]


def test_views_without_leaves(world: World, stranger: World) -> None:
    sent(world, "$pageview")
    sent(world, "$pageleave", days_ago=31)
    sent(stranger, "$pageview")
    sent(stranger, "$pageleave", days_ago=30)
    assert found("no_pageleave_events", world, stranger) == [NO_LEAVE, []]


def test_without_views_there_is_nothing_to_leave(world: World) -> None:
    sent(world, "$screen")
    assert found("no_pageleave_events", world) == [[]]
    assert found("web_vitals", world) == [[]]


def test_views_without_web_vitals(world: World, stranger: World) -> None:
    sent(world, "$pageview")
    sent(stranger, "$pageview")
    sent(stranger, "$web_vitals")
    assert found("web_vitals", world, stranger) == [NO_VITALS, []]
    sent(world, "$web_vitals")
    assert found("web_vitals", world) == [[]]


def test_views_count_although_the_project_has_used_up_its_names_of_events(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the pipeline counts them: beyond 1,000 names each new one, a page view's, too, is one of the others."""
    monkeypatch.setattr(count, "MAX_EVENT_NAMES", 1)
    project = make_project()
    for name in ("bought", "$pageview"):
        send(project, other(name))
    names = EventCount.objects.filter(environment_id=project.pk).order_by("event").values_list("event", flat=True)
    assert list(names) == ["bought", "other"]
    with clock.stopped_at(PIPELINES_NOON):
        for kind in ("no_live_events", "web_vitals"):
            run(CHECKS[kind], [project.pk])
    assert active("no_live_events", project.pk) == []
    assert active("web_vitals", project.pk) == NO_VITALS
