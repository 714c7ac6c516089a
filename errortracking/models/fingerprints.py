"""Fingerprints: what events and counters point at, so that merge and split move fingerprints and never events."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectOneToOneField, ProjectRow
from errortracking.models.issues import Issue


class Fingerprint(ProjectModel):
    """One way to recognise an issue's exceptions (upstream: ErrorTrackingIssueFingerprintV2)."""

    issue = ProjectForeignKey(Issue)
    fingerprint = models.TextField(help_text="SHA-512 in hex, `custom-rule:<id>`, or what the client sent.")
    version = models.BigIntegerField(default=0, help_text="Raised when the fingerprint moves to another issue.")
    kind = models.CharField(max_length=16, help_text="v1, v2, v1_legacy, v2_legacy, manual or custom.")
    record = models.JSONField(default=list, help_text="Which pieces of the first event made it.")
    first_seen = models.DateTimeField(help_text="Time of the event that brought it.")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "fingerprint"], name="unique_fingerprint")]
        indexes = [models.Index(fields=["environment", "issue"], name="fingerprint_issue")]

    def __str__(self) -> str:
        return self.fingerprint[:16]


class FingerprintStatistics(ProjectRow):
    """What the pipeline has counted of a fingerprint: an issue's numbers can be made anew when fingerprints move."""

    fingerprint = ProjectOneToOneField(Fingerprint, primary_key=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    occurrences = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "fingerprint statistics"

    def __str__(self) -> str:
        return f"{self.occurrences} of {self.fingerprint_id}"


class FingerprintUser(ProjectRow):
    """One ``distinct_id`` seen with one fingerprint: what the number of an issue's users is counted from, exactly.

    Keyed by fingerprint and not by issue, so that a merge or split moves nothing here. A sketch (HyperLogLog) would be
    smaller but wrong by a few percent just where numbers are small and people look closely.
    """

    pk = models.CompositePrimaryKey("environment_id", "fingerprint_id", "user_key")
    fingerprint = ProjectForeignKey(Fingerprint)
    user_key = models.UUIDField(help_text="The first 16 bytes of the SHA-256 of the distinct_id.")

    def __str__(self) -> str:
        return str(self.user_key)
