"""Stack frames: a row per (project, raw id, part) that points at its current, immutable content."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel
from errortracking.models.symbols import SymbolSet


class FrameContent(ProjectModel):
    """What a frame was resolved to at some time. Never changed: a new resolution is a new row, found by its hash."""

    hash = models.BinaryField(max_length=32, help_text="SHA-256 over resolved, contents and context.")
    contents = models.JSONField()
    context = models.JSONField(null=True)
    resolved = models.BooleanField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "hash"], name="unique_frame_content")]

    def __str__(self) -> str:
        return str(self.id)


class StackFrame(ProjectModel):
    """A frame as SDKs send it. ``created_at`` is renewed whenever the frame is resolved again."""

    raw_id = models.TextField(help_text="SHA-512 in hex over what identifies the frame.")
    part = models.IntegerField(default=0, help_text="Index among the frames that one raw frame resolved to.")
    content = ProjectForeignKey(FrameContent)
    symbol_set = ProjectForeignKey(SymbolSet, null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "raw_id", "part"], name="unique_stack_frame")]
        indexes = [
            models.Index(fields=["environment", "created_at"], name="stack_frame_created_at"),
            models.Index(
                fields=["environment", "symbol_set"],
                name="stack_frame_symbol_set",
                condition=models.Q(symbol_set__isnull=False),
            ),
            models.Index(fields=["environment", "content"], name="stack_frame_content"),
        ]

    def __str__(self) -> str:
        return f"{self.raw_id}/{self.part}"
