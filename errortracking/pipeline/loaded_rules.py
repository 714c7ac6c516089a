"""The rules that a batch carries with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from errortracking.rules.filters import Predicate
from errortracking.rules.subject import Json


class Kind(StrEnum):
    """The kinds of rules. Their rows are locked in this order."""

    GROUPING = "grouping"
    SUPPRESSION = "suppression"
    ASSIGNMENT = "assignment"
    BYPASS = "bypass"


class Assignee(NamedTuple):
    """Whom a rule puts in charge: a person or a role."""

    user_id: UUID | None
    role_id: UUID | None


@dataclass(slots=True)
class LoadedRule:
    """One rule as it was when the batch began."""

    kind: Kind
    id: UUID
    filters: str
    predicate: Predicate
    assignee: Assignee | None
    sampling_rate: float


class FailedRule(NamedTuple):
    """A rule that failed, the filters it failed with, and what is to stand in its ``disabled_data``."""

    kind: Kind
    id: UUID
    filters: str
    data: dict[str, Json]


@dataclass(slots=True)
class ProjectRules:
    """The rules that are in force, each kind in its order, and what went wrong while the batch was processed."""

    by_kind: dict[Kind, list[LoadedRule]] = field(default_factory=dict)
    failed: list[FailedRule] = field(default_factory=list)
    skipped: Counter[tuple[Kind, UUID]] = field(default_factory=Counter)  # for so many events: too many steps

    def of(self, kind: Kind) -> list[LoadedRule]:
        """Return the rules of one kind in their order."""
        return self.by_kind.get(kind, [])
