"""Issues: groups of exceptions that have one cause (contract 9, pipeline 2.9)."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectOneToOneField, ProjectRow

TEXT_LENGTH = 255  # pipeline 2.2: names and descriptions are cut to this many bytes
UNTITLED = "Untitled issue"  # what one without a name is called


class IssueStatus(models.TextChoices):
    """What people have decided about an issue. ``archived`` and ``pending_release`` are read, never written."""

    ARCHIVED = "archived"
    ACTIVE = "active"
    RESOLVED = "resolved"
    PENDING_RELEASE = "pending_release"
    SUPPRESSED = "suppressed"


class Severity(models.TextChoices):
    """How bad an issue is, where somebody has said so."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Issue(ProjectModel):
    """One issue: a set of fingerprints with a name and a status."""

    created_at = models.DateTimeField(default=clock.now)
    status = models.CharField(max_length=20, choices=IssueStatus.choices, default=IssueStatus.ACTIVE)
    name = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    severity = models.CharField(max_length=10, choices=Severity.choices, null=True, blank=True)
    state_updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=IssueStatus.values), name="issue_status_is_known"),
            models.CheckConstraint(
                condition=models.Q(severity__isnull=True) | models.Q(severity__in=Severity.values),
                name="issue_severity_is_known",
            ),
        ]
        # Beside these, trigrams of name and description (migration 0006).
        indexes = [
            models.Index(fields=["environment", "status", "id"], name="issue_by_status"),
            models.Index(fields=["environment", "created_at", "id"], name="issue_by_creation"),
        ]

    def __str__(self) -> str:
        return self.name or UNTITLED


class IssueStatistics(ProjectRow):
    """What the pipeline has counted of an issue. A table of its own, so that counting does not rewrite the issue."""

    issue = ProjectOneToOneField(Issue, primary_key=True, related_name="statistics")
    first_seen = models.DateTimeField(help_text="Time of the earliest event.")
    last_seen = models.DateTimeField(help_text="Time of the latest event.")
    occurrences = models.BigIntegerField(default=0)
    users = models.BigIntegerField(default=0, help_text="Distinct `distinct_id`s.")

    class Meta:
        verbose_name_plural = "issue statistics"
        # What lists are ordered by. A row that changes needs a new entry in each, five small ones for an issue and
        # batch; without them, a list by any of these would sort all issues of a project for each page.
        indexes = [
            models.Index(fields=["environment", "last_seen", "issue"], name="issue_by_last_seen"),
            models.Index(fields=["environment", "first_seen", "issue"], name="issue_by_first_seen"),
            models.Index(fields=["environment", "occurrences", "issue"], name="issue_by_occurrences"),
            models.Index(fields=["environment", "users", "issue"], name="issue_by_users"),
        ]

    def __str__(self) -> str:
        return f"{self.occurrences} of {self.issue_id}"


class IssueAssignment(ProjectModel):
    """Who takes care of an issue: one person or one role."""

    issue = ProjectForeignKey(Issue)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    role = models.ForeignKey("environments.Role", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "issue"], name="one_assignment_per_issue"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) ^ models.Q(role__isnull=False),
                name="assignment_is_to_a_user_or_a_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} → {self.user_id or self.role_id}"


class IssueCohort(ProjectModel):
    """The cohort of persons that an issue is linked to; cohorts themselves live with the client."""

    issue = ProjectForeignKey(Issue)
    cohort_id = models.IntegerField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "issue"], name="one_cohort_per_issue")]

    def __str__(self) -> str:
        return f"{self.issue_id} ~ {self.cohort_id}"


class ExternalReference(ProjectModel):
    """An issue's twin in another tracker (GitHub, GitLab, Linear, Jira)."""

    issue = ProjectForeignKey(Issue)
    provider = models.CharField(max_length=32)
    external_context = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["environment", "issue"], name="external_reference_issue")]

    def __str__(self) -> str:
        return f"{self.issue_id} at {self.provider}"
