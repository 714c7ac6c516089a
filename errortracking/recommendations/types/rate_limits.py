"""Limit how many exceptions a project, and each of its issues, may store."""

from __future__ import annotations

from django.conf import settings

from errortracking.models import ErrorTrackingSettings
from errortracking.models.rate_limits import per_issue_limit, project_limit
from errortracking.recommendations.base import Meta, RecommendationType, all_enabled


def checklist(project: int | None, per_issue: int | None, default: int) -> Meta:
    """Return ``meta`` for a project's two limits and the installation's default for issues."""
    return {
        "rate_limits": [
            {"key": "project", "enabled": project_limit(project) is not None},
            {"key": "per_issue", "enabled": per_issue_limit(per_issue, default) is not None},
        ]
    }


class RateLimits(RecommendationType):
    """Completed when both limits are set."""

    name = "rate_limits"
    interval = None

    def compute(self, environment_id: int) -> Meta:
        """Return which limits the settings give; a project whose settings nobody has seen yet has none."""
        limits = ("project_rate_limit_value", "per_issue_rate_limit_value")
        row = ErrorTrackingSettings.objects.filter(environment_id=environment_id).values_list(*limits).first()
        project, per_issue = row or (None, None)
        return checklist(project, per_issue, settings.DEFAULT_PER_ISSUE_RATE_LIMIT)

    def is_completed(self, meta: Meta) -> bool:
        """Return whether there are limits and all are enabled."""
        return all_enabled(meta, "rate_limits")


TYPE = RateLimits()
