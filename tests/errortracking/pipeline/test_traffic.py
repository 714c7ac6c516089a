"""The daily counters of the health checks: page views by host, session and proxy, and how exceptions are sent."""

from __future__ import annotations

import tracemalloc
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.models import Project
from errortracking.models import DailyTally, Release, TrafficCount, payload
from errortracking.pipeline import traffic
from errortracking.pipeline.housekeeping import forget_old_traffic
from errortracking.pipeline.traffic import host_of, is_session, is_skewed
from tests.errortracking.pipeline.making import NOON, entry, make_project, send

SESSION = "0190f5a0-0000-7000-8000-00000000abcd"


@pytest.fixture
def project(transactional_db: None) -> Project:
    return make_project()


def view(name: str = "$pageview", **properties: Any) -> payload.EventEntry:
    """Return an event of posthog-js with these properties."""
    sent = entry()
    sent["event"] = name
    sent["properties"] = {"$lib": "web", "$lib_version": "1.449.2", **properties}
    return sent


def counted(project: Project) -> list[tuple[Any, ...]]:
    rows = TrafficCount.objects.filter(environment_id=project.id).order_by("event", "host", "has_session", "is_proxied")
    return list(rows.values_list("event", "sdk", "host", "has_session", "is_proxied", "count"))


def tallies(project: Project) -> dict[str, int]:
    return dict(DailyTally.objects.filter(environment_id=project.id).values_list("what", "count"))


def test_page_views_are_counted_by_host_session_and_proxy(project: Project) -> None:
    send(
        project,
        view(**{"$host": "Shop.example.com:8443", "$session_id": SESSION}),
        view(**{"$current_url": "https://shop.example.com/a?b", "$session_id": SESSION}),
        view(**{"$host": "shop.example.com", "$session_id": "none"}),
        view("$pageleave", **{"$host": "shop.example.com", "$lib_custom_api_host": "https://e.example.com"}),
        view("$web_vitals"),
    )
    send(project, view(**{"$host": "shop.example.com", "$session_id": SESSION}))
    assert counted(project) == [
        ("$pageleave", "web", "shop.example.com", False, True, 1),
        ("$pageview", "web", "shop.example.com", False, False, 1),
        ("$pageview", "web", "shop.example.com", True, False, 3),
        ("$web_vitals", "web", "", False, False, 1),
    ]


def test_other_events_are_not(project: Project) -> None:
    send(project, view("clicked", **{"$host": "shop.example.com"}), entry())
    assert counted(project) == []


def test_hosts_beyond_the_limit_are_counted_together(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "MAX_HOSTS", 2)
    send(project, *(view(**{"$host": f"{name}.example.com"}) for name in "abca"))
    send(project, view(**{"$host": "d.example.com"}), view(**{"$host": "b.example.com"}))
    assert [(row[2], row[5]) for row in counted(project)] == [("a.example.com", 2), ("b.example.com", 2), ("other", 2)]


def test_sdks_beyond_the_limit_are_counted_together(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may name its SDK as it likes, each time another: the table does not grow with that."""
    monkeypatch.setattr(traffic, "MAX_SDKS", 2)
    send(project, *(view(**{"$lib": name}) for name in "abca"))
    send(project, view(**{"$lib": "d"}), view(**{"$lib": "b", "$host": "shop.example.com"}))
    assert sorted((row[1], row[2], row[5]) for row in counted(project)) == [
        ("a", "", 2),
        ("b", "", 1),
        ("b", "shop.example.com", 1),
        ("other", "", 2),
    ]


@pytest.mark.parametrize(
    ("properties", "host"),
    [
        ({"$host": "EXAMPLE.com"}, "example.com"),
        ({"$host": "localhost:3000"}, "localhost"),
        ({"$host": "[::1]:3000"}, "[::1]:3000"),
        ({"$host": 7, "$current_url": "http://u:p@example.com:80/x"}, "example.com"),
        ({"$current_url": "http://[half"}, ""),
        ({"$current_url": "file:///home/index.html"}, ""),
        ({"$host": "x" * 254}, ""),
        ({}, ""),
    ],
)
def test_the_host_is_that_of_the_page(properties: dict[str, Any], host: str) -> None:
    assert host_of(properties) == host


@given(st.dictionaries(st.sampled_from(["$host", "$current_url"]), st.one_of(st.text(), st.integers(), st.none())))
def test_no_host_or_url_breaks_it(properties: dict[str, Any]) -> None:
    assert len(host_of(properties)) <= 253


def test_a_session_is_a_uuid() -> None:
    assert is_session(SESSION)
    assert not any(is_session(value) for value in ("", "none", SESSION.replace("-", ""), "x" * 36, None, 7, [SESSION]))


def test_exceptions_are_tallied_by_release_clock_and_readability(project: Project) -> None:
    release = Release.objects.create(environment=project, hash_id="h", version="1", project="shop")
    send(project, entry(properties={"$release_id": str(release.id)}), entry(), entry())
    broken = entry()
    broken["properties"]["$exception_list"] = "none"
    send(project, broken)
    assert tallies(project) == {"with_release": 1, "without_release": 3, "unreadable": 1}


def test_what_was_not_stored_is_not_tallied(project: Project) -> None:
    one = entry()
    send(project, one)
    send(project, one)
    assert tallies(project) == {"without_release": 1}


def test_a_clock_is_wrong_beyond_five_minutes() -> None:
    assert not is_skewed((NOON - timedelta(minutes=5)).isoformat(), NOON)
    assert is_skewed((NOON - timedelta(minutes=5, seconds=1)).isoformat(), NOON)
    assert is_skewed((NOON + timedelta(hours=1)).isoformat(), NOON)
    assert not is_skewed(None, NOON)
    assert not is_skewed("yesterday", NOON)


def test_old_days_are_forgotten(project: Project) -> None:
    for day in (date(2026, 10, 17), date(2026, 10, 18)):
        DailyTally.objects.create(environment=project, day=day, what="unreadable", count=1, last_received_at=NOON)
        TrafficCount.objects.create(
            environment=project, day=day, event="$screen", sdk="", host="", has_session=True, is_proxied=True, count=1
        )
    assert forget_old_traffic(NOON - timedelta(days=35)) == 2  # before 18 October
    assert [row.day for row in DailyTally.objects.filter(environment_id=project.id)] == [date(2026, 10, 18)]
    assert [row.day for row in TrafficCount.objects.filter(environment_id=project.id)] == [date(2026, 10, 18)]


def test_a_page_whose_url_is_megabytes_has_the_host_at_its_beginning_and_is_not_remembered() -> None:
    """Python remembers the last 128 URLs that it has taken apart, however long they are."""
    assert host_of({"$current_url": "https://shop.example/?" + "x" * 1_000_000}) == "shop.example"
    assert host_of({"$current_url": "data:text/html," + "x" * 1_000_000}) == ""
    tracemalloc.start()
    for number in range(10):
        host_of({"$current_url": f"https://shop.example/{number}?" + "x" * 1_000_000})
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 100_000
