"""Symbol sets: uploaded or fetched source maps and their like (contract 9, pipeline 2.6)."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel
from errortracking.models.releases import Release


class SymbolSet(ProjectModel):
    """What resolves the frames of one chunk or script. A failed fetch is a row too, with its reason and no data."""

    ref = models.TextField(help_text="Chunk id, or the script's URL.")
    created_at = models.DateTimeField(default=clock.now)
    storage_ptr = models.TextField(null=True, blank=True)
    failure_reason = models.TextField(null=True, blank=True)
    content_hash = models.TextField(null=True, blank=True, help_text="SHA-512 in hex of the uploaded data.")
    release = ProjectForeignKey(Release, null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "ref"], name="unique_symbol_set_ref")]
        indexes = [
            models.Index(
                fields=["environment", "release"],
                name="symbol_set_release",
                condition=models.Q(release__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.ref
