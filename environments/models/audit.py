"""Who changed what, through the API."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectModel


class AuditEntry(ProjectModel):
    """One change of one object by a person or a key, written in the transaction of the change.

    It refers to neither user nor key nor project, so that it outlives them all; after ``HEALTHTRACK_AUDIT_DAYS`` it is
    deleted. What belongs to no project (users, members, invitations, keys) has the environment id 0.
    """

    created_at = models.DateTimeField(default=clock.now, verbose_name="when")
    user_id = models.UUIDField(verbose_name="user id")
    user_email = models.CharField(max_length=254, verbose_name="user", help_text="The address at the time.")
    key_id = models.CharField(max_length=50, blank=True, verbose_name="key id", help_text="Empty: by a session.")
    key_mask = models.CharField(max_length=11, blank=True, verbose_name="key")
    action = models.CharField(max_length=100)
    resource = models.CharField(max_length=100)
    object_id = models.CharField(max_length=200)
    before = models.JSONField(null=True, help_text="What differed before. Empty: the object is new.")
    after = models.JSONField(null=True, help_text="What differs now. Empty: the object is gone.")

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["environment", "object_id"], name="audit_object"),
            models.Index(fields=["environment", "resource", "-created_at", "-id"], name="audit_of_resource"),
            models.Index(fields=["created_at"], name="audit_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.resource} {self.object_id}"
