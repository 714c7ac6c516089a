"""How the admin looks: its icon and styles, and the order of its tables: first what people come for."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static

GROUPS: Final = {
    "Errors": ("errortracking.Issue", "errortracking.Event", "errortracking.SpikeEvent", "errortracking.Release"),
    "Health": ("healthtrack.HealthIssue", "errortracking.Recommendation"),
    "Alerts": ("notifications.Destination", "notifications.Delivery"),
    "Rules and limits": (
        *("errortracking.ErrorTrackingSettings", "errortracking.SpikeDetectionConfig", "errortracking.AssignmentRule"),
        *("errortracking.GroupingRule", "errortracking.SuppressionRule", "errortracking.BypassRule"),
        *("errortracking.RateLimitBucket", "errortracking.SpikeSnooze"),
    ),
    "Access": (
        *("environments.Project", "environments.PersonalAPIKey", "environments.User", "auth.Group"),
        *("environments.Organization", "environments.Role", "environments.Invitation", "environments.AuditEntry"),
    ),
    "Stacks": ("errortracking.StackFrame", "errortracking.FrameContent", "errortracking.SymbolSet"),
    "Operation": (
        *("errortracking.OutcomeCount", "errortracking.EventCount", "errortracking.QueuedRequest"),
        *("errortracking.SetAsideEvent", "errortracking.UnknownToken", "procrastinate.ProcrastinateJob"),
    ),
}
REST: Final = "Behind the issues"
"""The group of every table that no other group names: what hangs on issues."""


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups with the tables that the person may see, as unfold wants them; empty groups are left out."""
    tables = {
        model["model"]._meta.label: {"title": model["name"], "link": model["admin_url"]}
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if model["admin_url"]
    }
    groups = {title: [tables.pop(label) for label in labels if label in tables] for title, labels in GROUPS.items()}
    operation = groups.pop("Operation")
    groups[REST] = list(tables.values())
    groups["Operation"] = operation
    return [{"title": title, "items": items} for title, items in groups.items() if items]


def icon(request: HttpRequest) -> str:
    """Return the address of the icon."""
    return static("healthtrack/icon.svg")


def styles(request: HttpRequest) -> str:
    """Return the address of the styles that come after unfold's."""
    return static("healthtrack/admin.css")
