"""Kinds about the web: silence, page leaves, web vitals (pipeline 5.4); only for projects that ever used a web SDK."""

from __future__ import annotations

import pytest

from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
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
