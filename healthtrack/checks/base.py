"""What a kind of health check says about itself (pipeline 5.3)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from healthtrack.checks import eligibility
from healthtrack.models import HealthSeverity

Payload = dict[str, Any]
"""What a finding tells and the API shows: a JSON object whose keys are the kind's own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong in one project."""

    severity: HealthSeverity
    payload: Payload


class Remediation(NamedTuple):
    """What to do about it: a text for people, and one for a coding agent, which does not know the product."""

    human: str
    agent: str


Findings = Mapping[int, Sequence[Finding]]
"""By project. A project without an entry is well."""


class HealthCheck(ABC):
    """One kind. What reads the database is apart from what decides: the decisions are functions over plain data."""

    kind: ClassVar[str]
    """What the API calls it; at most 100 characters."""
    title: ClassVar[str]
    """What people call it, unless `title_of` knows better."""
    cron: ClassVar[str]
    """When it runs by itself, UTC."""
    window: ClassVar[timedelta]
    """How far back it looks: a project of which nothing was heard for as long is not asked about, see `eligible`."""
    hash_keys: ClassVar[tuple[str, ...] | None]
    """Which keys of the payload tell one finding of a project from another; none: one per project; ``None``: all."""
    link: ClassVar[str]
    """Where in this server's admin one sees more; a path."""
    remediation: ClassVar[Remediation]

    def eligible(self, now: datetime) -> set[int]:
        """Return the projects that the check is about; those with an active issue of the kind are asked anyway."""
        return eligibility.sending(now - self.window)

    @abstractmethod
    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Return what is wrong in these projects, found by one statement for all of them."""

    def title_of(self, payload: Payload) -> str:
        """Return the title of one finding."""
        return self.title

    def summary_of(self, payload: Payload, severity: str) -> str:
        """Return one sentence about one finding."""
        return str(payload.get("reason") or f"{self.kind} ({severity})")


class WebCheck(HealthCheck):
    """A kind about pages: of projects that ever sent an event of a web SDK, silent or not (decision table)."""

    def eligible(self, now: datetime) -> set[int]:
        """Return these projects."""
        return eligibility.ever_web()
