"""The admin of health issues: for looking."""

from __future__ import annotations

from django.contrib import admin

from errortracking.admin.pipeline import PipelineAdmin
from healthtrack.models import HealthIssue


@admin.register(HealthIssue)
class HealthIssueAdmin(PipelineAdmin):
    """Health issues."""

    list_display = ("kind", "environment", "severity", "status", "dismissed", "created_at")
    list_filter = ("environment", "status", "severity", "dismissed")
    search_fields = ("kind",)
    search_help_text = "A part of the kind, or an id."
