"""Releases: versions of a program that events and symbol sets belong to (contract 4)."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectModel

HASH_ID_LENGTH = 128  # contract 4; the length of a SHA-512 in hex
TEXT_LENGTH = 100_000
"""Characters of version and project, each. The real system has no limit; but a page shows ten thousand releases, or
frames with theirs, and a hundred versions of 20 MB would be an answer of two gigabytes."""


class Release(ProjectModel):
    """One version of one program. ``project`` is a name that the client chose, not a row of ours."""

    hash_id = models.TextField(help_text="Usually SHA-512 in hex of project and version.")
    created_at = models.DateTimeField(default=clock.now)
    metadata = models.JSONField(null=True, blank=True)
    version = models.TextField()
    project = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["environment", "hash_id"], name="unique_release_hash_id_per_team")
        ]
        indexes = [models.Index(fields=["environment", "-created_at", "-id"], name="release_newest_first")]

    def __str__(self) -> str:
        return f"{self.project} {self.version}"
