"""Spikes: when an issue suddenly comes much more often (contract 6 and 7, pipeline 3)."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectRow
from errortracking.models.issues import Issue


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
            models.Index(fields=["environment", "-detected_at"], name="spike_event_newest_first"),
            models.Index(fields=["environment", "issue", "-detected_at"], name="spike_event_of_issue"),
        ]

    def __str__(self) -> str:
        return f"{self.current_bucket_value} against {self.computed_baseline:g}"
