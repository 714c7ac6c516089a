"""The admin's lists of rules: in the order in which they are tried, and in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from environments.models import User
from errortracking.admin.rules import MOST, in_words
from tests.environments.world import World, world
from tests.errortracking.api.ruling import KINDS, OTHERS, TIMEOUTS, Kind, of_every_kind

__all__ = ["world"]  # a fixture


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (TIMEOUTS, "$exception_types is TimeoutError"),
        (OTHERS, "$exception_values contains quota or host matches ^db-[0-9]+$"),
        (
            {
                "type": "AND",
                "values": [
                    {"key": "plan", "value": ["free", "trial"]},
                    {"type": "OR", "values": [{"key": "n", "operator": "gte", "value": 3}, {"key": "x"}]},
                    {"key": "$session_id", "operator": "is_not_set"},
                    {"type": "AND", "values": []},
                ],
            },
            "plan is free or trial and (n ≥ 3 or x is None) and $session_id is not set",
        ),
        ({}, ""),
        ({"type": "OR", "values": []}, ""),
        ({"type": "AND", "values": ["?", {"key": "a", "operator": "new", "value": 1}]}, "? and a new 1"),
        ({"type": "AND", "values": 7}, ""),
    ],
)
def test_filters_are_told_in_words(filters: Any, words: str) -> None:
    """Also those that the API would refuse."""
    assert in_words(filters) == words


def test_long_filters_are_cut() -> None:
    words = in_words({"type": "AND", "values": [{"key": "k", "value": "x" * 1_000}]})
    assert words == "k is " + "x" * (MOST - 5) + "…"


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "secret"))
    return client


def page(browser: Client, kind: Kind) -> str:
    name = kind.model._meta.model_name
    response = browser.get(reverse(f"admin:errortracking_{name}_changelist"))
    assert response.status_code == 200
    return response.content.decode()


@of_every_kind
def test_a_list_is_in_the_order_in_which_rules_are_tried(world: World, browser: Client, kind: Kind) -> None:
    for place, host in ((2, "last"), (-1, "first"), (1, "middle")):
        kind.make(world, order_key=place, filters={"type": "AND", "values": [{"key": "host", "value": host}]})
    shown = page(browser, kind)
    places = [shown.index(f"host is {host}") for host in ("first", "middle", "last")]
    assert places == sorted(places)


@of_every_kind
def test_a_list_tells_why_a_rule_is_off_and_escapes_what_people_wrote(
    world: World, browser: Client, kind: Kind
) -> None:
    kind.make(world, filters={"type": "AND", "values": [{"key": "<b>host", "value": 1}]})
    kind.make(world, order_key=1, disabled_data={"message": "`gt` compares <numbers>", "props": {}})
    kind.make(world, order_key=2, filters={})
    shown = page(browser, kind)
    assert "&lt;b&gt;host is 1" in shown
    assert "`gt` compares &lt;numbers&gt;" in shown
    assert "nothing" in shown


def test_a_list_tells_whom_or_how_much(world: World, browser: Client) -> None:
    assignment, _, suppression, _ = KINDS
    assignment.make(world)
    suppression.make(world, sampling_rate=0.25)
    assert world.user.email in page(browser, assignment)
    assert "0.25" in page(browser, suppression)
