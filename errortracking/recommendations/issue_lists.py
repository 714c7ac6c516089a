"""What the types have in common that recommend to look at a few issues."""

from __future__ import annotations

from typing import Final

from errortracking.models import Issue
from errortracking.recommendations.base import Meta, RecommendationType

MAX_ISSUES: Final = 5


def with_statuses(meta: Meta, statuses: dict[str, str]) -> Meta:
    """Return ``meta`` with the issues' statuses by id; issues without one are gone and left out."""
    issues = [{**issue, "status": statuses[issue["id"]]} for issue in meta["issues"] if issue["id"] in statuses]
    return {**meta, "issues": issues}


class IssueList(RecommendationType):
    """Completed when there is no such issue. Names and descriptions come from events: untrusted."""

    def is_completed(self, meta: Meta) -> bool:
        """Return whether no issue is listed."""
        return not meta.get("issues")

    def enrich(self, environment_id: int, meta: Meta) -> Meta:
        """Return the issues with the status that they have now."""
        ids = [issue["id"] for issue in meta.get("issues", ())]
        if not ids:
            return meta
        rows = Issue.objects.filter(environment_id=environment_id, pk__in=ids).values_list("pk", "status")
        return with_statuses(meta, {str(pk): status for pk, status in rows})
