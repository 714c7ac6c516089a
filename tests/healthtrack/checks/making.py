"""A check whose findings a test decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from environments.models import Project
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthIssue, HealthSeverity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Told(HealthCheck):
    """Finds what ``find`` returns, in the projects of ``about``."""

    kind = "told"
    title = "Told"
    cron = "0 0 * * *"
    window = timedelta(days=30)
    hash_keys: tuple[str, ...] | None = ("sdk",)  # type: ignore[misc]
    link = "/admin/"
    remediation = Remediation("Ask a person.", "Ask a person, too.")

    def __init__(self, about: set[int], find: Callable[[Sequence[int]], Findings]) -> None:
        self.about, self.find = about, find
        self.asked: list[list[int]] = []

    def eligible(self, now: datetime) -> set[int]:
        return self.about

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        self.asked.append(list(environment_ids))
        return self.find(environment_ids)


def finding(severity: str = "warning", **payload: Any) -> Finding:
    return Finding(HealthSeverity(severity), payload)


def rows(project: Project, *fields: str) -> list[Any]:
    """Return the project's health issues, oldest first; of one field its values, of several tuples."""
    found = HealthIssue.objects.filter(environment_id=project.id).order_by("created_at", "id")
    return list(found.values_list(*fields, flat=len(fields) == 1))
