"""Stack frames: a row per (project, raw id, part) that points at its current, immutable content."""

from __future__ import annotations

from django.db import models

from environments import clock
from environments.tenancy.models import ProjectForeignKey, ProjectModel, ProjectRow
from errortracking.models.fingerprints import Fingerprint
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
    missing_ref = models.TextField(
        null=True, blank=True, help_text="Chunk id or URL of the symbol set for lack of which the frame is unresolved."
    )
    platform = models.TextField(
        null=True, blank=True, help_text="As the SDK sent it; kept where `missing_ref` is, to resolve the frame again."
    )

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
            models.Index(
                fields=["environment", "missing_ref"],
                name="stack_frame_missing_ref",
                condition=models.Q(missing_ref__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.raw_id}/{self.part}"


class AwaitedFrame(ProjectRow):
    """A fingerprint that was computed with a frame which lacked its symbol set, and an event with that frame.

    When the set comes, the fingerprint that the event would have now is added to the issue (pipeline
    `resolve_again`). Written for such frames only, once per frame and fingerprint.
    """

    pk = models.CompositePrimaryKey("environment_id", "frame_id", "fingerprint_id")
    frame = ProjectForeignKey(StackFrame)
    fingerprint = ProjectForeignKey(Fingerprint)
    event_id = models.UUIDField()
    received_at = models.DateTimeField(help_text="Of the event: it leads to its partition.")

    class Meta:
        indexes = [models.Index(fields=["environment", "fingerprint"], name="awaited_frame_fingerprint")]

    def __str__(self) -> str:
        return f"{self.frame_id} in {self.fingerprint_id}"
