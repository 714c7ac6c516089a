"""Destinations of alerts, and the messages to them: the outbox and the log of deliveries are one table."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, TouchedModel
from notifications.targets import shown

NAME_LENGTH: Final = 200
TARGET_LENGTH: Final = 2_048  # characters of an address; the longest of the services known is below 300
HOURLY_LIMIT: Final = 60
MOST_PER_HOUR: Final = 1_000
"""What the hourly limit may be raised to: a message every four seconds, which nobody reads and few services take."""


class DestinationKind(models.TextChoices):
    """Where messages go, and in which form."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    DISCORD = "discord"
    EMAIL = "email"


class Destination(TouchedModel):
    """Where a project's alerts go. An empty list of severities or of kinds means all."""

    name = models.CharField(max_length=NAME_LENGTH)
    kind = models.CharField(max_length=10, choices=DestinationKind.choices)
    target = models.CharField(max_length=TARGET_LENGTH, help_text="An address of the web, or one of mail. Secret.")
    target_shown = models.CharField(max_length=TARGET_LENGTH, editable=False, default="")
    secret = models.CharField(max_length=100, editable=False, default="", help_text="By which webhooks are signed.")
    events = ArrayField(models.TextField())
    severities = ArrayField(models.TextField(), default=list, blank=True)
    kinds = ArrayField(models.TextField(), default=list, blank=True)
    hourly_limit = models.PositiveSmallIntegerField(
        default=HOURLY_LIMIT, validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_HOUR)]
    )
    enabled = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Attempts in a row that have failed.")
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=DestinationKind.values), name="destination_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *arguments: Any, **options: Any) -> None:
        """Save the destination, with what may be shown of its target."""
        self.target_shown = shown(self.target)
        if options.get("update_fields") is not None:
            options["update_fields"] = {*options["update_fields"], "target_shown"}
        super().save(*arguments, **options)


class DeliveryStatus(models.TextChoices):
    """What has become of a message."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(ProjectModel):
    """One message to one destination, and how it went. Texts may quote events: untrusted."""

    destination = ProjectForeignKey(Destination)
    event = models.CharField(max_length=30)
    subject_id = models.UUIDField(null=True, blank=True)
    title = models.TextField()
    message = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    error = models.TextField(default="", blank=True)
    excerpt = models.TextField(default="", blank=True)
    tries = models.JSONField(default=list, help_text="When, HTTP status, milliseconds and error of each attempt.")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=DeliveryStatus.values), name="delivery_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "destination", "id"], name="delivery_of_destination"),
            models.Index(
                fields=["environment", "destination", "next_attempt_at"],
                condition=models.Q(status=DeliveryStatus.PENDING),
                name="delivery_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}: {self.title}"


class Surplus(ProjectModel):
    """Notices beyond a destination's hourly limit, counted, until one message tells of all of them."""

    destination = ProjectForeignKey(Destination)
    created_at = models.DateTimeField(default=clock.now)
    counts = models.JSONField(help_text="Event → how many.")
    samples = models.JSONField(default=list, help_text="The first few of them.")

    class Meta:
        verbose_name_plural = "surplus"
        indexes = [models.Index(fields=["environment", "destination", "created_at"], name="surplus_of_destination")]

    def __str__(self) -> str:
        return f"{sum(self.counts.values())} more"
