"""Symbol sets: uploaded or fetched source maps and their like (contract 9, pipeline 2.6), and the data behind them."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectRow
from errortracking.models.releases import Release


class SymbolSet(ProjectModel):
    """What resolves the frames of one chunk or script. A failed fetch is a row too, with its reason and no data."""

    ref = models.TextField(help_text="Chunk id, or the script's URL.")
    created_at = models.DateTimeField(default=clock.now)
    storage_ptr = models.TextField(null=True, blank=True)
    failure_reason = models.TextField(null=True, blank=True)
    content_hash = models.TextField(null=True, blank=True, help_text="SHA-512 in hex of the uploaded data.")
    begun_hash = models.TextField(
        null=True, blank=True, help_text="The `content_hash` that the upload to `storage_ptr` was begun for, if told."
    )
    release = ProjectForeignKey(Release, null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "ref"], name="unique_symbol_set_ref")]
        indexes = [
            models.Index(
                fields=["environment", "release"],
                name="symbol_set_release",
                condition=models.Q(release__isnull=False),
            ),
            models.Index(
                fields=["environment", "storage_ptr"],
                name="symbol_set_storage_ptr",
                condition=models.Q(storage_ptr__isnull=False),
            ),
            models.Index(
                fields=["environment", "last_used"],
                name="symbol_set_failed",
                condition=models.Q(storage_ptr__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.ref


class SymbolChunk(ProjectRow):
    """A piece of the data of a symbol set that is kept in PostgreSQL, so that several machines share it.

    No reference to the symbol set: data is stored before the set points at it, and outlives it by as long as the
    sweep takes (`SymbolGarbage`).
    """

    pk = models.CompositePrimaryKey("environment_id", "key", "number")
    key = models.TextField(help_text="`SymbolSet.storage_ptr`.")
    number = models.IntegerField(help_text="Place among the pieces, from 0.")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"{self.key}, piece {self.number}"


class SymbolGarbage(models.Model):
    """Data that no symbol set points at any more; a trigger writes it whichever way the set went, a sweep deletes it.

    Not a project's row: data in an object store must go after its project has gone.
    """

    key = models.TextField(primary_key=True)
    project_id = models.IntegerField(help_text="Of the project that it belonged to.")

    def __str__(self) -> str:
        return self.key
