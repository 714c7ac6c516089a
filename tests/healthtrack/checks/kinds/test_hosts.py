"""Kinds about hosts, sessions and proxies (pipeline 5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from healthtrack.checks.describing import describe
from healthtrack.checks.kinds import local_development_traffic, missing_session_id
from healthtrack.checks.kinds.local_development_traffic import is_local
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.kinds.counting import viewed

pytestmark = pytest.mark.django_db
NO_PROXY = [("warning", {"reason": "No reverse proxy detected. Ad blockers may affect tracking accuracy."})]


def test_views_without_a_session_are_told_by_share(world: World) -> None:
    viewed(world, count=9_500, days_ago=30)
    viewed(world, count=500, session=False)
    text = "5.0% (500 of 10000) of `$pageview` events without a valid `$session_id` in 30 days"
    assert found("missing_session_id", world) == [[("warning", {"reason": text})]]


@pytest.mark.parametrize(("without", "total"), [(499, 9_999), (9_999, 9_999), (499, 10_000), (0, 10_000), (0, 0)])
def test_few_views_or_a_small_share_say_nothing(without: int, total: int) -> None:
    assert missing_session_id.findings(without, total) == []


def test_other_events_and_older_days_do_not_count(world: World) -> None:
    viewed(world, count=10_000, session=False, days_ago=31)
    viewed(world, count=10_000, session=False, event="$pageleave")
    assert found("missing_session_id", world) == [[]]


def test_a_day_without_a_proxied_event_is_told(world: World, stranger: World) -> None:
    viewed(world, count=100)
    viewed(world, count=1, proxied=True, days_ago=2)
    viewed(stranger, count=100)
    viewed(stranger, count=1, proxied=True, event="$screen", days_ago=1)
    assert found("reverse_proxy", world, stranger) == [NO_PROXY, []]


def test_a_day_without_views_says_nothing_about_a_proxy(world: World) -> None:
    viewed(world, days_ago=2)
    assert found("reverse_proxy", world) == [[]]


def test_some_hosts_use_the_proxy_and_others_do_not(world: World) -> None:
    viewed(world, "a.example.com", 49)
    viewed(world, "a.example.com", 1, proxied=True)
    viewed(world, "b.example.com", 50, days_ago=7)
    viewed(world, "trial.example.com", 49)
    viewed(world, "", 500)
    viewed(world, "other", 500)  # hosts beyond the limit of those that are counted by name
    payload = {
        "reason": "1 of 2 hosts do not send through a reverse proxy",
        "proxied_hosts": ["a.example.com"],
        "unproxied_hosts": ["b.example.com"],
    }
    assert found("partial_proxy", world) == [[("warning", payload)]]


def test_all_or_none_is_not_partial(world: World, stranger: World) -> None:
    viewed(world, "a.example.com", 50, proxied=True)
    viewed(world, "b.example.com", 50, proxied=True)
    viewed(stranger, "a.example.com", 50)
    viewed(stranger, "b.example.com", 50)
    assert found("partial_proxy", world, stranger) == [[], []]


def test_a_developers_machine_needs_no_proxy(world: World, stranger: World) -> None:
    viewed(world, "a.example.com", 50, proxied=True)
    viewed(world, "localhost", 500)
    viewed(world, "127.0.0.1", 500)
    viewed(stranger, "a.example.com", 50)
    viewed(stranger, "app.localhost", 50, proxied=True)
    assert found("partial_proxy", world, stranger) == [[], []]


def test_at_most_ten_hosts_are_named(world: World) -> None:
    viewed(world, "proxied.example.com", 50, proxied=True)
    for number in range(12):
        viewed(world, f"{number:02}.example.com", 100 - number)
    [[(_, payload)]] = found("partial_proxy", world)
    assert payload["unproxied_hosts"] == [f"{number:02}.example.com" for number in range(10)]


@pytest.mark.parametrize(
    ("local", "total", "finding"),
    [
        (49, 49, None),
        (50, 5_000, ("warning", {"local_pageviews": 50, "pageviews": 5_000, "share": 0.01})),
        (50, 5_051, ("info", {"local_pageviews": 50, "pageviews": 5_051, "share": 0.0099})),
    ],
)
def test_local_views_are_told_by_share(local: int, total: int, finding: tuple[str, dict[str, Any]] | None) -> None:
    told = [(one.severity.value, one.payload) for one in local_development_traffic.findings(local, total)]
    assert told == ([] if finding is None else [finding])


@pytest.mark.parametrize(
    "host", ["localhost", "app.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "[::1]:3000", "0.0.0.0"]
)
def test_a_developers_machine_is_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example.com", "mylocalhost", "192.168.0.1", "10.0.0.1", "example.com", "["]
)
def test_other_hosts_are_not(host: str) -> None:
    assert not is_local(host)


def test_local_views_of_a_week_are_counted(world: World) -> None:
    viewed(world, "localhost", 40, days_ago=7)
    viewed(world, "127.0.0.1", 10)
    viewed(world, "localhost", 1_000, days_ago=8)
    viewed(world, "shop.example.com", 50)
    payload = {"local_pageviews": 50, "pageviews": 100, "share": 0.5}
    assert found("local_development_traffic", world) == [[("warning", payload)]]
    summary = "50 of 100 page views of the last 7 days came from local development"
    assert describe("local_development_traffic", "warning", payload).summary == summary
