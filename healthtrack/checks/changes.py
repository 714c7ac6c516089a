"""What a run of a check did to health issues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from healthtrack.checks.base import Payload


class Changed(NamedTuple):
    """A health issue that has begun or ended."""

    environment_id: int
    id: UUID
    severity: str
    payload: Payload
    dismissed: bool


@dataclass(slots=True)
class Changes:
    """What one batch of projects did to the rows of one kind.

    ``refreshed`` counts issues that are still there; ``worse`` are those of them whose severity has risen.
    """

    firing: list[Changed] = field(default_factory=list)
    worse: list[Changed] = field(default_factory=list)
    resolved: list[Changed] = field(default_factory=list)
    refreshed: int = 0
