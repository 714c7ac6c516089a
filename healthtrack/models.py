"""Health issues (contract 2.1, pipeline 5.1)."""

from __future__ import annotations

from django.db import models

from environments.tenancy.models import TouchedModel


class HealthSeverity(models.TextChoices):
    """How bad it is; lists show critical first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class HealthStatus(models.TextChoices):
    """Whether the check still finds it. That somebody dismissed it is no status but a flag."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class HealthIssue(TouchedModel):
    """One finding of one kind of check. A resolved row is never woken: a recurrence is a new row."""

    kind = models.CharField(max_length=100)
    severity = models.CharField(max_length=20, choices=HealthSeverity.choices)
    status = models.CharField(max_length=20, choices=HealthStatus.choices, default=HealthStatus.ACTIVE)
    dismissed = models.BooleanField(default=False)
    payload = models.JSONField(default=dict)
    resolved_at = models.DateTimeField(null=True, blank=True)
    unique_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "kind", "unique_hash"],
                condition=models.Q(status=HealthStatus.ACTIVE),
                name="unique_active_health_issue",
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=HealthSeverity.values), name="health_severity_is_known"
            ),
            models.CheckConstraint(condition=models.Q(status__in=HealthStatus.values), name="health_status_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.severity})"
