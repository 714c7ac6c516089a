"""Runs one kind over the projects of a test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from environments import clock
from healthtrack.checks.registry import CHECKS
from healthtrack.checks.running import run
from healthtrack.models import HealthIssue
from tests.environments.world import World
from tests.healthtrack.checks.making import NOON

Found = tuple[str, dict[str, Any]]
"""Severity and payload of an active issue."""


def found(kind: str, *worlds: World, at: datetime = NOON) -> list[list[Found]]:
    """Run the check at a moment; return each project's active issues, ordered by severity and then by payload."""
    ids = [world.project.id for world in worlds]
    with clock.stopped_at(at):
        run(CHECKS[kind], ids)
    return [active(kind, id_) for id_ in ids]


def active(kind: str, environment_id: int) -> list[Found]:
    rows = HealthIssue.objects.filter(environment_id=environment_id, kind=kind, status="active")
    return sorted(rows.values_list("severity", "payload"), key=repr)
