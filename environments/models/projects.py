"""Projects: what an application reports to. PostHog calls the same thing project, environment and team."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from environments import clock
from environments.models.organizations import Organization
from environments.secrets import project_token


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="unique_project_name_per_organization")
        ]

    def __str__(self) -> str:
        return self.name
