"""The admin of what happened to issues as a whole: merges and splits, and where merged issues have gone."""

from __future__ import annotations

from django.contrib import admin

from errortracking.admin.pipeline import PipelineAdmin
from errortracking.models import IssueOperation, IssueRedirect


@admin.register(IssueOperation)
class IssueOperationAdmin(PipelineAdmin):
    """Merges, splits, and exceptions that opened an issue again. Undone by the API."""

    list_display = ("id", "environment", "kind", "issue_id", "user_email", "created_at", "undone_at")


@admin.register(IssueRedirect)
class IssueRedirectAdmin(PipelineAdmin):
    """Where merged issues have gone."""

    list_display = ("id", "environment", "successor_id", "created_at")
