"""Which exceptions the rate limits let pass: those that a bypass rule of the project matches (pipeline 2.10)."""

from __future__ import annotations

from uuid import UUID

from errortracking.pipeline.batch import Batch
from errortracking.pipeline.loaded_rules import Kind
from errortracking.pipeline.project_rules import matching


def bypassed(batch: Batch) -> set[UUID]:
    """Return the uuids of the live exceptions that pay no token, neither of their issue's bucket nor the project's."""
    return {event.uuid for event in batch.live if next(matching(batch, Kind.BYPASS, event), None)}
