"""Recommendations: what a project could do better (contract 3, pipeline 4.2)."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import TouchedModel


class RecommendationStatus(models.TextChoices):
    """Whether somebody is computing the row right now."""

    READY = "ready"
    COMPUTING = "computing"


class Recommendation(TouchedModel):
    """One type's row of one project."""

    type = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=RecommendationStatus.choices, default=RecommendationStatus.READY)
    status_changed_at = models.DateTimeField(default=clock.now)
    meta = models.JSONField(default=dict)
    computed_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "type"], name="unique_recommendation_type"),
            models.CheckConstraint(
                condition=models.Q(status__in=RecommendationStatus.values),
                name="recommendation_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.type
