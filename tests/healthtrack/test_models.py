"""What PostgreSQL holds health issues to, whoever writes them (contract 2.1, the model)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction

from environments import clock
from tests.environments.world import World, stranger, world
from tests.healthtrack.api.making import LATER, make_issue, make_resolved

__all__ = ["stranger", "world"]


def test_a_finding_is_active_only_once(world: World, stranger: World) -> None:
    """2.1, model: unique on (team, kind, unique_hash) **only where status = active**."""
    for _ in range(2):
        make_resolved(world.project, unique_hash="same")
    make_issue(world.project, unique_hash="same")
    make_issue(world.project, unique_hash="same", kind="reverse_proxy")
    make_issue(stranger.project, unique_hash="same")
    with pytest.raises(IntegrityError, match="unique_active_health_issue"), transaction.atomic():
        make_issue(world.project, unique_hash="same")


@pytest.mark.parametrize(
    "fields",
    [{"kind": "x" * 101}, {"unique_hash": "x" * 65}, {"severity": "fatal"}, {"status": "dismissed"}, {"payload": None}],
)
def test_what_is_no_health_issue_is_not_stored(world: World, fields: dict[str, Any]) -> None:
    """2.1: kind ≤ 100, unique_hash ≤ 64, three severities, two statuses (`dismissed` is none), a payload."""
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        make_issue(world.project, **fields)


def test_updated_at_changes_on_every_save(world: World) -> None:
    """2.1: created_at, updated_at."""
    issue = make_issue(world.project)
    created = issue.created_at
    with clock.stopped_at(LATER):
        issue.save(update_fields=["payload"])
    issue.refresh_from_db()
    assert (issue.updated_at, issue.created_at) == (LATER, created)
