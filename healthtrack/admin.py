"""The admin of health issues: for looking."""

from __future__ import annotations

from django.contrib import admin

from environments.tenancy.admin import ReadOnlyAdmin
from healthtrack.models import HealthIssue


@admin.register(HealthIssue)
class HealthIssueAdmin(ReadOnlyAdmin):
    """Health issues."""

    list_display = ("kind", "environment", "severity", "status", "dismissed", "created_at")
    list_filter = ("environment", "status", "severity")
    search_fields = ("kind",)
