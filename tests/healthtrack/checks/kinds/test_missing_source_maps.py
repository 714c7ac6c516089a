"""The finding is the recommendation's (pipeline 5.4): computed, not dismissed, not completed."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.models import EventCount, Recommendation
from healthtrack.checks.describing import describe
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.making import NOON

pytestmark = pytest.mark.django_db
KIND = "error_tracking_missing_source_maps"
META = {
    "total_frames": 40,
    "unresolved_frames": 30,
    "unresolved_pct": 0.75,
    "threshold_pct": 0.3,
    "min_sample_frames": 20,
    "sample_frames": 2000,
    "lookback_hours": 24,
}


def recommended(world: World, **fields: Any) -> None:
    values = {"type": "source_maps", "meta": META, "computed_at": NOON} | fields
    Recommendation.objects.create(environment=world.project, **values)
    EventCount.objects.create(environment=world.project, day=NOON.date(), event="$exception")


def test_the_recommendation_is_the_payload(world: World, stranger: World) -> None:
    recommended(world)
    assert found(KIND, world, stranger) == [[("warning", META)], []]


@pytest.mark.parametrize(
    "fields",
    [
        {"computed_at": None},
        {"dismissed_at": NOON},
        {"meta": META | {"unresolved_pct": 0.3}},
        {"meta": META | {"total_frames": 19}},
        {"type": "rate_limits"},
    ],
)
def test_what_is_not_computed_or_dismissed_or_completed_is_no_finding(world: World, fields: dict[str, Any]) -> None:
    recommended(world, **fields)
    assert found(KIND, world) == [[]]


def test_it_is_over_when_frames_resolve(world: World) -> None:
    recommended(world)
    found(KIND, world)
    Recommendation.objects.filter(environment_id=world.project.id).update(meta=META | {"unresolved_pct": 0.1})
    assert found(KIND, world) == [[]]


def test_the_summary_tells_the_numbers() -> None:
    told = describe(KIND, "warning", META)
    assert told.title == "Missing source maps"
    assert told.summary == "30 of the 40 newest JavaScript frames of 24 hours could not be resolved"
