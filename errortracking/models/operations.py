"""What happened to issues as a whole: merges and splits, which can be undone, and where a merged issue has gone."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectModel


class OperationKind(models.TextChoices):
    """What was done. ``reopen`` is the pipeline's: an exception came of what people had closed."""

    MERGE = "merge"
    SPLIT = "split"
    REOPEN = "reopen"


class IssueOperation(ProjectModel):
    """One merge or split of an issue, with all that it takes to undo it; or that an exception opened it again.

    It refers to no issue by a key: the issue may be merged away itself and come back, and what happened to it before
    must still be there then. Nor to the user, whom it outlives. It goes with its project.
    """

    created_at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=8, choices=OperationKind.choices)
    issue_id = models.UUIDField(help_text="The target of the merge, or the issue that was split.")
    user_id = models.UUIDField(null=True, help_text="Empty: the pipeline.")
    user_email = models.CharField(max_length=254, blank=True, default="", help_text="The address at the time.")
    key_id = models.CharField(max_length=50, blank=True, default="", help_text="Empty: by a session.")
    record = models.JSONField(default=dict, help_text="What moved, by id, and the rows that went.")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=OperationKind.values), name="operation_kind_is_known")
        ]
        indexes = [
            models.Index(fields=["environment", "issue_id", "-created_at", "-id"], name="operation_of_issue"),
            models.Index(fields=["environment", "kind", "-created_at", "-id"], name="operation_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.issue_id}"


class IssueRedirect(ProjectModel):
    """Where an issue has gone that is no more: its id is the issue's.

    The issue's row is deleted, and not kept with a mark: each list, count and search would have to leave it out, and
    the first that forgets shows what people have put away. Chains (A into B, B into C) are followed when they are read,
    so that an undo of the second leaves the first as it was. Without a reference: a successor may be gone as well.
    """

    successor_id = models.UUIDField(help_text="The issue that it was merged into.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.id} → {self.successor_id}"
