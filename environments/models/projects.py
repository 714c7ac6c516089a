"""Projects: what an application reports to. PostHog calls the same thing project, environment and team."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from environments import clock
from environments.models.organizations import Organization
from environments.secrets import project_token


class LivingProjects(models.Manager["Project"]):
    """The projects that nobody has deleted. To everybody else, one whose rows are still being deleted is gone."""

    def get_queryset(self) -> models.QuerySet[Project]:
        """Return those that are not being deleted."""
        return super().get_queryset().filter(deleted_at__isnull=True)


class Project(models.Model):
    """One project. Its integer id is the environment id of the API's paths and the ``team_id`` of its answers."""

    id = models.AutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    api_token = models.CharField(
        max_length=64,
        unique=True,
        default=project_token,
        help_text="The token that SDKs send. It can only report events, so it may stand in public code.",
    )
    timezone = models.CharField(max_length=64, default="UTC")
    max_event_age_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Events are deleted after so many days. Empty, or more than the server keeps: as the server does.",
    )
    created_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when its rows are being deleted. Empty: it lives."
    )

    objects: ClassVar[LivingProjects] = LivingProjects()
    every: ClassVar[models.Manager[Project]] = models.Manager()
    """With those that are being deleted: for what deletes them."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(deleted_at__isnull=True),
                name="unique_living_project_name_per_organization",
            )
        ]

    def __str__(self) -> str:
        return self.name
