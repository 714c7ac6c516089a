"""Spikes: when an issue suddenly comes much more often (contract 6 and 7, pipeline 3)."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectOneToOneField, ProjectRow
from errortracking.models.issues import Issue

SPIKE_COUNT_DAYS = 30  # the longest range of the preview
SPIKE_EVENT_DAYS = 30


class SpikeDetectionConfig(ProjectRow):
    """When a project calls something a spike. The row is made by the first look at it, with the defaults."""

    environment = models.OneToOneField(
        "environments.Project",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="+",
    )
    snooze_duration_minutes = models.IntegerField(default=10, validators=[MinValueValidator(1)])
    multiplier = models.IntegerField(default=10, validators=[MinValueValidator(1)])
    threshold = models.IntegerField(default=500, validators=[MinValueValidator(1)])

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="spike_config_is_positive",
                condition=models.Q(snooze_duration_minutes__gte=1, multiplier__gte=1, threshold__gte=1),
            )
        ]

    def __str__(self) -> str:
        return f"spike detection of project {self.environment_id}"


class SpikeEvent(ProjectModel):
    """One spike of one issue."""

    issue = ProjectForeignKey(Issue)
    detected_at = models.DateTimeField(default=clock.now)
    computed_baseline = models.FloatField()
    current_bucket_value = models.IntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["environment", "-detected_at", "-id"], name="spike_event_newest_first"),
            models.Index(fields=["environment", "issue", "-detected_at"], name="spike_event_of_issue"),
            # The other orders of the list, one for each way, since the newest of equals is first in both.
            models.Index(fields=["environment", "computed_baseline", "-detected_at", "-id"], name="spike_by_baseline"),
            models.Index(
                fields=["environment", "-computed_baseline", "-detected_at", "-id"], name="spike_by_baseline_down"
            ),
            models.Index(fields=["environment", "current_bucket_value", "-detected_at", "-id"], name="spike_by_value"),
            models.Index(
                fields=["environment", "-current_bucket_value", "-detected_at", "-id"], name="spike_by_value_down"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.current_bucket_value} against {self.computed_baseline:g}"


class SpikeCount(ProjectRow):
    """How many exceptions of one fingerprint were stored that were received in one bucket of 5 minutes.

    Of the fingerprint and not of the issue, so that a merge or split moves nothing here. Partitioned by the UTC day,
    whose partition is dropped after `SPIKE_COUNT_DAYS`. Keyed by the bucket first: what a batch counts lies together at
    the end of the index, whatever fingerprints it has.

    Without references, as no row outlives these days: checking them would lock a fingerprint for each new row,
    following them would look through every partition, and dropping a partition would lock the fingerprints' table.
    Counts whose fingerprint is gone belong to no issue, and nobody reads them.
    """

    pk = models.CompositePrimaryKey("environment_id", "bucket", "fingerprint_id")
    bucket = models.DateTimeField(help_text="When the 5 minutes begin.")
    fingerprint_id = models.UUIDField()
    count = models.IntegerField()

    class Meta:
        # For the sparklines: by the key, an issue's 30 days lie scattered over those of the whole project.
        indexes = [models.Index(fields=["environment", "fingerprint_id", "bucket"], name="spike_counts_of")]

    def __str__(self) -> str:
        return f"{self.count} of {self.fingerprint_id}"


class SpikeSnooze(ProjectRow):
    """Until when an issue is not reported as spiking again: one row, so that of several workers one reports it."""

    issue = ProjectOneToOneField(Issue, primary_key=True)
    snoozed_at = models.DateTimeField(help_text="When its last spike was.")
    snoozed_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue_id} until {self.snoozed_until}"
