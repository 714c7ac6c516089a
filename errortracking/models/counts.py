"""Counters that the pipeline keeps: what became of accepted events, and which events a project sends."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectModel


class Outcome(models.TextChoices):
    """What became of an accepted event. Each event ends in exactly one; their sum is the number accepted."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    RATE_LIMITED = "rate_limited"
    COUNTED = "counted"
    SET_ASIDE = "set_aside"


class OutcomeCount(ProjectModel):
    """How many of a day's events ended in one outcome, for one reason. The day is the UTC day of receipt."""

    day = models.DateField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.TextField(default="", blank=True)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "day", "outcome", "reason"], name="unique_outcome_count"),
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="outcome_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome} on {self.day}"


class EventCount(ProjectModel):
    """How many events of one name came from one version of one SDK on one UTC day of receipt."""

    day = models.DateField()
    event = models.TextField(help_text="The event's name; `other` beyond the project's limit of names.")
    sdk = models.TextField(default="", blank=True)
    sdk_version = models.TextField(default="", blank=True)
    count = models.BigIntegerField(default=0)
    last_received_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "day", "event", "sdk", "sdk_version"], name="unique_event_count"
            )
        ]
        indexes = [models.Index(fields=["environment", "event"], name="event_count_name")]

    def __str__(self) -> str:
        return f"{self.count} {self.event} on {self.day}"
