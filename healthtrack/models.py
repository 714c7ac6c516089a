"""Health issues (contract 2.1, pipeline 5.1)."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

from environments.tenancy.models import ProjectRow, TouchedModel


class HealthSeverity(models.TextChoices):
    """How bad it is; lists show critical first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


SEVERITY_ORDER: Final = (HealthSeverity.CRITICAL, HealthSeverity.WARNING, HealthSeverity.INFO)
"""Worst first. A severity's place here is its ``severity_rank``."""


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
    # Lists are ordered by it. PostgreSQL keeps it, so that whoever writes rows, COPY included, cannot forget it. An
    # index on the same CASE would do without a column; but the CASE would stand, with its parameters, in each
    # statement, which could then not be kept as a text, and a filter on one severity could not use the index.
    severity_rank = models.GeneratedField(
        expression=models.Case(
            *(models.When(severity=severity, then=rank) for rank, severity in enumerate(SEVERITY_ORDER)),
            default=len(SEVERITY_ORDER),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

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
        indexes = [
            models.Index(fields=["environment", "severity_rank", "-created_at", "id"], name="health_worst_first"),
            # Resolved rows are kept and outnumber the active ones, which are what people look at.
            models.Index(
                fields=["environment", "status", "severity_rank", "-created_at", "id"], name="health_status_worst_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.severity})"


class HealthRefresh(ProjectRow):
    """When somebody asked last for all checks of a project to run (`healthtrack.checks.refreshing`)."""

    environment = models.OneToOneField(
        "environments.Project", on_delete=models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="+"
    )
    requested_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"asked at {self.requested_at:%Y-%m-%d %H:%M:%S}"


class SDKVersionTable(models.Model):
    """A table of SDKs' versions that is newer than the shipped one (`healthtrack.checks.sdk_versions`): one row.

    Of no project. In the database, as the files of an image cannot be written and several machines want the same.
    """

    ONLY: ClassVar[int] = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    date = models.DateField(help_text="The day of which the table tells.")
    sdks = models.JSONField()
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_table_of_sdk_versions")]

    def __str__(self) -> str:
        return f"SDK versions of {self.date}"
