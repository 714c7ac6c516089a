"""The admin of stack frames, as a person reads them. What stands in them came from events and is escaped."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string

from errortracking.admin.occurrence import ShownFrame, read_frame
from errortracking.admin.pipeline import PipelineAdmin
from errortracking.models import FrameContent, StackFrame

READABLE = ("function", "place", "in_app", "resolved", "failure")


class FrameAdmin(PipelineAdmin):
    """What frames and their contents have in common."""

    def content(self, row: Any) -> FrameContent:
        """Return what is shown of ``row``."""
        raise NotImplementedError

    def frame(self, row: Any) -> ShownFrame:
        """Return the frame as a person reads it."""
        content = self.content(row)
        return read_frame(content.contents, content.context)

    def function(self, row: Any) -> str:
        """Return the function's name."""
        return self.frame(row).name

    def place(self, row: Any) -> str:
        """Return file, line and column."""
        return self.frame(row).place

    @admin.display(boolean=True, description="In app")
    def in_app(self, row: Any) -> bool:
        """Return whether it is the program's own."""
        return self.frame(row).in_app

    @admin.display(boolean=True)
    def resolved(self, row: Any) -> bool:
        """Return whether the original source is known."""
        return self.content(row).resolved

    @admin.display(description="Why not")
    def failure(self, row: Any) -> str:
        """Return why it is not resolved."""
        return self.frame(row).failure

    @admin.display(description="Source", empty_value="None was sent.")
    def source(self, row: Any) -> str | None:
        """Return the lines around the frame's own."""
        lines = self.frame(row).lines
        return render_to_string("admin/errortracking/source.html", {"lines": lines}) if lines else None


@admin.register(StackFrame)
class StackFrameAdmin(FrameAdmin):
    """Stack frames."""

    list_display = ("function", "place", "in_app", "resolved", "environment", "created_at")
    list_select_related = ("environment", "content")
    search_fields = ("raw_id__exact",)
    search_help_text = "The first half of a raw id, or an id."
    fields = (*READABLE, "source", "environment", "raw_id", "part", "content", "symbol_set", "created_at")

    def content(self, row: StackFrame) -> FrameContent:
        """Return what the frame is resolved to now."""
        content: FrameContent = row.content
        return content


@admin.register(FrameContent)
class FrameContentAdmin(FrameAdmin):
    """What frames were resolved to."""

    list_display = ("function", "place", "in_app", "resolved", "environment", "created_at")
    fields = (*READABLE, "source", "environment", "created_at", "contents")

    def content(self, row: FrameContent) -> FrameContent:
        """Return the row itself."""
        return row
