"""The admin of health issues: for looking, with what to do about them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from errortracking.admin.pipeline import PipelineAdmin
from healthtrack.checks.describing import Description, describe
from healthtrack.models import HealthIssue


@admin.register(HealthIssue)
class HealthIssueAdmin(PipelineAdmin):
    """Health issues."""

    list_display = ("title", "environment", "severity", "status", "dismissed", "created_at")
    list_filter = ("environment", "status", "severity", "dismissed")
    search_fields = ("kind",)
    search_help_text = "A part of the kind, or an id."
    fields = (
        *("title", "summary", "what_to_do", "for_an_agent", "where_to_look", "environment", "severity", "status"),
        *("dismissed", "kind", "payload", "created_at", "updated_at", "resolved_at"),
    )

    @admin.display(description="Issue")
    def title(self, issue: HealthIssue) -> str:
        """What people call it."""
        return _told(issue).title

    @admin.display(description="What was found")
    def summary(self, issue: HealthIssue) -> str:
        """One sentence."""
        return _told(issue).summary

    @admin.display(description="What to do")
    def what_to_do(self, issue: HealthIssue) -> str:
        """For people."""
        remediation = _told(issue).remediation
        return remediation.human if remediation else "This server knows no check of this kind."

    @admin.display(description="For a coding agent")
    def for_an_agent(self, issue: HealthIssue) -> str:
        """To be copied into one."""
        remediation = _told(issue).remediation
        return remediation.agent if remediation else "-"

    @admin.display(description="Where to look")
    def where_to_look(self, issue: HealthIssue) -> SafeString:
        """A page of the admin."""
        link = _told(issue).link
        return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', link, link)


def _told(issue: HealthIssue) -> Description:
    return describe(issue.kind, issue.severity, issue.payload)
