"""Rate limits (pipeline 2.11): which limit is in force, the state of the buckets, and what they have dropped."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models

from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectRow
from errortracking.models.fingerprints import Fingerprint

PROJECT_BUCKET: Final = UUID(int=0)
"""The id under which a project's own bucket lies among those of its issues."""

LARGEST_LIMIT: Final = 2**31 - 1
"""What a limit's column holds."""


class DropReason(models.TextChoices):
    """Whose bucket was empty."""

    ISSUE = "issue"
    PROJECT = "project"


def project_limit(own: int | None) -> int | None:
    """Return the value of a project's limit that is in force; ``None``: there is none."""
    return own if own is not None and own > 0 else None


def per_issue_limit(own: int | None, default: int) -> int | None:
    """Return the value of the limit that is in force for each issue of a project; ``None``: there is none.

    ``default`` is the installation's, taken where the project has none of its own; 0 or less is no limit. A project's
    own 0 means that it wants none, whatever the default is.
    """
    value = default if own is None else own
    return min(value, LARGEST_LIMIT) if value > 0 else None


class RateLimitBucket(ProjectModel):
    """The bucket of one issue, under the issue's id, or of the project (`PROJECT_BUCKET`).

    Without a reference to the issue: a bucket that is full again may go at any time, and that of a merged or deleted
    issue fills up and goes like any other. No index but the key, so that a charge stays in its page.
    """

    at = models.DateTimeField(help_text="The whole second up to which it has been refilled.")
    tokens = models.IntegerField(help_text="How many exceptions it admits.")
    fraction = models.BigIntegerField(help_text="The begun token, in parts of which a token has 60 × minutes.")
    value = models.IntegerField(help_text="The limit by which it was filled: so many tokens …")
    minutes = models.IntegerField(help_text="… in so many minutes.")
    version = models.BigIntegerField(help_text="Raised by each charge: one that was computed from an older is refused.")

    def __str__(self) -> str:
        return f"{self.tokens} of {self.value} left to {self.id}"


class RateLimitedCount(ProjectRow):
    """How many exceptions of one fingerprint were dropped on one UTC day of receipt, by whose limit.

    Of the fingerprint and not of the issue, so that a merge or split moves nothing here. What belongs to no issue is
    counted by the project's `OutcomeCount` only.
    """

    pk = models.CompositePrimaryKey("environment_id", "fingerprint_id", "day", "reason")
    fingerprint = ProjectForeignKey(Fingerprint)
    day = models.DateField()
    reason = models.CharField(max_length=8, choices=DropReason.choices)
    count = models.BigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(reason__in=DropReason.values), name="drop_reason_is_known")
        ]
        indexes = [models.Index(fields=["day"], name="rate_limited_day")]  # `/metrics` asks for today's of all projects

    def __str__(self) -> str:
        return f"{self.count} of {self.fingerprint_id} on {self.day} by the limit of the {self.reason}"
