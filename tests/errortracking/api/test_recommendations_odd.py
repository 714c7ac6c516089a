"""Rows of recommendations whose ``meta`` another version of this server has written."""

from __future__ import annotations

from typing import Any

import pytest

from environments import clock
from errortracking.models import Recommendation
from errortracking.recommendations.registry import TYPES
from tests.environments.world import World, answer, world

__all__ = ["world"]  # a fixture
ODD: list[Any] = [
    *([], "text", 5, {"alerts": 5}, {"alerts": [5]}, {"rate_limits": [{}]}, {"issues": 5}, {"issues": [{}]}),
    *({"issues": [{"id": "x"}]}, {"total_frames": "x"}, {"total_frames": 50, "unresolved_pct": None}),
]


@pytest.mark.parametrize("meta", ODD, ids=str)
def test_one_row_of_a_strange_shape_takes_no_other_away(world: World, meta: Any) -> None:
    """It is shown as it is, and not completed, until it is computed anew."""
    for kind in TYPES:
        Recommendation.objects.create(environment=world.project, type=kind, meta=meta, computed_at=clock.now())
    status, body = answer(world.api().get("error_tracking/recommendations/?poll=true"))
    assert status == 200
    assert [(row["type"], row["meta"]) for row in body["results"]] == [(kind, meta) for kind in TYPES]
    kinds = {kind for kind in TYPES if _is_strange(kind, meta)}
    assert kinds
    assert {row["type"] for row in body["results"] if row["type"] in kinds and row["completed"]} == set()


def _is_strange(kind: str, meta: Any) -> bool:
    """Return whether this is no ``meta`` that the type could have written, with or without some keys."""
    keys = {"alerts": {"alerts"}, "rate_limits": {"rate_limits"}, "source_maps": {"total_frames", "unresolved_pct"}}
    return not isinstance(meta, dict) or bool(meta.keys() & keys.get(kind, {"issues"}))
