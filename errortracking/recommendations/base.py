"""What a type of recommendation says about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any, ClassVar

Meta = dict[str, Any]
"""What a row holds and the API shows: a JSON object whose keys are the type's own."""


class RecommendationType(ABC):
    """One type. What reads the database is apart from what decides: the decisions are functions over plain data."""

    name: ClassVar[str]
    """What the API calls it; at most 64 characters."""
    interval: ClassVar[timedelta | None]
    """How long a result stays fresh; ``None`` where each look at the list asks for a new one."""

    @abstractmethod
    def compute(self, environment_id: int) -> Meta:
        """Return the project's ``meta``, read with a bounded number of statements. Runs in a task, in a transaction."""

    @abstractmethod
    def is_completed(self, meta: Meta) -> bool:
        """Return whether the project has done what ``meta``, enriched, recommends."""

    def enrich(self, environment_id: int, meta: Meta) -> Meta:
        """Return ``meta`` with what must not be as old as the computation. At most one statement: every look pays."""
        return meta


def all_enabled(meta: Meta, key: str) -> bool:
    """Return whether ``meta`` has a check list under ``key`` that is not empty and whose every entry is enabled."""
    entries = meta.get(key, [])
    return bool(entries) and all(entry["enabled"] for entry in entries)
