"""What PostgreSQL holds the rows behind the endpoints to, whoever writes them (contract 3 to 8, the models)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction

from environments import clock
from environments.models import Project
from errortracking.models import ErrorTrackingSettings, Recommendation, Release, SpikeDetectionConfig, SpikeEvent
from tests.environments.world import World, stranger, world
from tests.errortracking.api.making import make_frame, make_release, make_symbol_set

__all__ = ["stranger", "world"]

LATER = datetime(2026, 3, 1, 12, tzinfo=UTC)


def recommendation(project: Project, **fields: Any) -> Recommendation:
    return Recommendation.objects.create(environment=project, **{"type": "alerts", **fields})


def release(project: Project, **fields: Any) -> Release:
    return make_release(project, **{"hash_id": "abc", **fields})


TWICE: list[tuple[str, Callable[[Project], Any]]] = [
    ("unique_recommendation_type", recommendation),
    ("unique_release_hash_id_per_team", release),
    ("unique_stack_frame", lambda project: make_frame(project, "abc", 3)),
    ("errortracking_errortrackingsettings", lambda project: ErrorTrackingSettings.objects.create(environment=project)),
    ("errortracking_spikedetectionconfig", lambda project: SpikeDetectionConfig.objects.create(environment=project)),
]


@pytest.mark.parametrize(("name", "make"), TWICE, ids=[name for name, _ in TWICE])
def test_what_is_unique_is_so_within_a_project(
    world: World, stranger: World, name: str, make: Callable[[Project], Any]
) -> None:
    """3: unique (team, type); 4: hash_id unique per team; 5 and 6: keyed by team; 8: unique (team, raw_id, part)."""
    make(world.project)
    make(stranger.project)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make(world.project)


def test_a_recommendation_begins_ready_empty_and_uncomputed(world: World) -> None:
    """3: meta default {}, `status` default ready."""
    row = recommendation(world.project)
    row.refresh_from_db()
    assert (row.status, row.meta, row.computed_at, row.dismissed_at) == ("ready", {}, None, None)


@pytest.mark.parametrize("fields", [{"status": "stuck"}, {"status": "x" * 17}, {"type": "x" * 65}])
def test_a_recommendation_has_a_known_status_and_a_short_type(world: World, fields: dict[str, str]) -> None:
    """3: type ≤ 64, a free string; `status` ≤ 16, ready or computing."""
    assert recommendation(world.project, type="x" * 64).type == "x" * 64
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        recommendation(world.project, **fields)


def test_a_recommendation_remembers_its_last_save(world: World) -> None:
    """3: updated_at."""
    row = recommendation(world.project)
    with clock.stopped_at(LATER):
        row.save(update_fields=["meta"])
    row.refresh_from_db()
    assert row.updated_at == LATER


def test_the_spike_configuration_begins_with_its_defaults(world: World) -> None:
    """6: 10, 10, 500."""
    row = SpikeDetectionConfig.objects.create(environment=world.project)
    row.refresh_from_db()
    assert (row.snooze_duration_minutes, row.multiplier, row.threshold) == (10, 10, 500)


def test_a_frame_begins_as_part_0_without_symbol_set(world: World) -> None:
    """8: part default 0, symbol_set null."""
    frame = make_frame(world.project)
    frame.refresh_from_db()
    assert (frame.part, frame.symbol_set_id) == (0, None)


def test_a_frame_outlives_its_symbol_set(world: World) -> None:
    """8: symbol_set FK set-null."""
    symbols = make_symbol_set(world.project)
    frame = make_frame(world.project, symbol_set=symbols)
    symbols.delete()
    frame.refresh_from_db()
    assert (frame.symbol_set_id, frame.environment_id) == (None, world.project.pk)


def test_spikes_are_found_by_date_and_by_issue() -> None:
    """7: indexes (team, -detected_at), (issue, -detected_at)."""
    columns = [tuple(index.fields) for index in SpikeEvent._meta.indexes]
    for expected in (("environment", "-detected_at"), ("environment", "issue", "-detected_at")):
        assert expected in [fields[: len(expected)] for fields in columns]
