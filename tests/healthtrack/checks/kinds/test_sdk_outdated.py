"""The kind `sdk_outdated` (pipeline 5.4): its payload, its severity, and what of a week it reads."""

from __future__ import annotations

from datetime import date

import pytest

from healthtrack.checks import sdk_versions
from healthtrack.checks.describing import describe
from healthtrack.checks.registry import CHECKS
from healthtrack.checks.sdk_versions import Releases, VersionTable
from tests.environments.world import World, statements
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.kinds.counting import sent
from tests.healthtrack.checks.making import NOON

pytestmark = pytest.mark.django_db
KIND = "sdk_outdated"


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """2026-03-01 is NOON's day: 1.300.0 is 59 days old, 1.310.0 is 9 days old."""
    table = VersionTable(
        date(2026, 2, 28),
        {
            "web": Releases({(1, 300, 0): date(2026, 1, 1), (1, 310, 0): date(2026, 2, 20)}),
            "posthog-node": Releases({(5, 0, 0): date(2025, 12, 1), (5, 0, 1): date(2026, 1, 1)}),
            "posthog-python": Releases({(7, 0, 0): date(2026, 1, 1)}),
        },
    )
    monkeypatch.setattr(sdk_versions, "current", lambda: table)


def test_the_payload(world: World) -> None:
    sent(world, "$pageview", 30, version="1.300.0")
    sent(world, "$exception", 10, version="1.300.0", days_ago=1)
    sent(world, "$pageview", 60, version="1.310.0", days_ago=7)
    assert found(KIND, world) == [
        [
            (
                "critical",
                {
                    "sdk_name": "web",
                    "latest_version": "1.310.0",
                    "current_version": "1.310.0",
                    "reason": (
                        "The newest version in use is 1.310.0. "
                        "Outdated, and yet 20% of its events or more each: 1.300.0."
                    ),
                    "banners": ["Version 1.300.0 of the Web SDK sent 20% or more of its events in the last 7 days."],
                    "is_outdated": True,
                    "is_old": False,
                    "usage": [
                        {
                            "lib_version": "1.310.0",
                            "count": 60,
                            "max_timestamp": "2026-02-22T12:00:00Z",
                            "release_date": "2026-02-20",
                            "is_latest": True,
                            "is_outdated": False,
                            "status_reason": "The latest version.",
                        },
                        {
                            "lib_version": "1.300.0",
                            "count": 40,
                            "max_timestamp": "2026-03-01T12:00:00Z",
                            "release_date": "2026-01-01",
                            "is_latest": False,
                            "is_outdated": True,
                            "status_reason": "Released 59 days ago: upgrade.",
                        },
                    ],
                },
            )
        ]
    ]


def test_one_of_three_is_a_warning_and_two_are_critical(world: World) -> None:
    sent(world, "$pageview", version="1.300.0")
    sent(world, "a", sdk="posthog-node", version="5.0.1")
    sent(world, "a", sdk="posthog-python", version="7.0.0")
    sent(world, "a", sdk="posthog-go", version="0.0.1")  # of which the table knows nothing
    assert [(severity, one["sdk_name"]) for severity, one in found(KIND, world)[0]] == [("warning", "web")]
    sent(world, "b", sdk="posthog-python", version="6.9.0", count=99)
    assert sorted((severity, one["sdk_name"]) for severity, one in found(KIND, world)[0]) == [
        ("critical", "posthog-python"),
        ("critical", "web"),
    ]


def test_it_is_over_when_the_old_version_is_gone_for_a_week(world: World) -> None:
    sent(world, "$pageview", version="1.300.0", days_ago=7)
    [[(_, told)]] = found(KIND, world)
    assert told["reason"] == "The newest version in use, 1.300.0, is 59 days old, and 1.310.0 is out."
    sent(world, "$pageview", version="1.310.0")
    assert found(KIND, world, at=NOON.replace(day=2)) == [[]]


def test_events_without_a_version_say_nothing(world: World) -> None:
    sent(world, "$pageview", 1000)
    sent(world, "other", 1000, sdk="other")
    assert found(KIND, world) == [[]]


def test_an_old_patch_is_told_too(world: World, stranger: World) -> None:
    sent(world, "a", sdk="posthog-node", version="5.0.0")  # 90 days: less than 16 weeks
    sent(stranger, "a", sdk="posthog-node", version="5.0.1")
    assert found(KIND, world, stranger) == [[], []]


def test_many_projects_are_one_statement(world: World, stranger: World) -> None:
    sent(world, "$pageview", version="1.300.0")
    sent(stranger, "$pageview", version="1.310.0")
    with statements() as asked:
        told = CHECKS[KIND].detect([world.project.id, stranger.project.id], NOON)
    assert len(asked) == 1
    assert {one: len(findings) for one, findings in told.items()} == {world.project.id: 1, stranger.project.id: 0}


def test_a_payload_is_bounded_and_quotes_no_markup(world: World) -> None:
    for number in range(60):
        sent(world, "$pageview", version=f"1.{number}.0")
    sent(world, "a", 10_000, version="<script>")
    [[(_, told)]] = found(KIND, world)
    assert [one["lib_version"] for one in told["usage"]] == [f"1.{59 - place}.0" for place in range(50)]
    assert "<" not in str(told)


@pytest.mark.parametrize(
    ("sdk", "title"),
    [
        ("web", "web SDK is outdated"),
        ("posthog-python", "posthog-python SDK is outdated"),
        ("my-sdk", "my-sdk SDK is outdated"),
    ],
)
def test_the_title_names_the_sdk(sdk: str, title: str) -> None:
    told = describe(KIND, "warning", {"sdk_name": sdk, "reason": "It is old."})
    assert (told.title, told.summary) == (title, "It is old.")
