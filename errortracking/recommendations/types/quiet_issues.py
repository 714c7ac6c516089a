"""Close issues that are still active and have not occurred for a month."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from environments import clock
from environments.tenancy import sql
from errortracking.models import IssueStatus
from errortracking.models.issues import UNTITLED
from errortracking.recommendations.base import Meta
from errortracking.recommendations.issue_lists import MAX_ISSUES, IssueList

QUIET_DAYS: Final = 30

# An issue's statistics know its last event, also of those that are kept no longer. What was seen last before the 30
# days was seen first before them. Only ids are counted and sorted; names are read of the five.
_FIND: Final = """
    WITH oldest AS MATERIALIZED (
        SELECT s.issue_id, s.first_seen, count(*) OVER () AS total
        FROM errortracking_issuestatistics s
        JOIN errortracking_issue i ON i.environment_id = s.environment_id AND i.id = s.issue_id
        WHERE s.environment_id = %(environment)s AND s.last_seen < %(since)s AND i.status = %(active)s
        ORDER BY s.first_seen, s.issue_id
        LIMIT %(limit)s
    )
    SELECT o.total, i.id, i.name, i.description, o.first_seen, i.status
    FROM oldest o JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = o.issue_id
    ORDER BY o.first_seen, o.issue_id
"""


def entry(row: tuple[UUID, str | None, str | None, datetime, str]) -> dict[str, Any]:
    """Return how ``meta`` shows an issue."""
    issue_id, name, description, first_seen, status = row
    return {
        "id": str(issue_id),
        "name": name or UNTITLED,
        "description": description,
        "first_seen": clock.iso(first_seen),
        "status": status,
    }


class QuietIssues(IssueList):
    """Completed when there is no such issue."""

    name = "quiet_issues"
    interval = timedelta(hours=24)

    def compute(self, environment_id: int) -> Meta:
        """Return how many active issues had no event for 30 days, and those of them that were seen first."""
        parameters = {
            "environment": environment_id,
            "active": IssueStatus.ACTIVE.value,
            "since": clock.now() - timedelta(days=QUIET_DAYS),
            "limit": MAX_ISSUES,
        }
        with sql.cursor() as cursor:
            rows = cursor.execute(_FIND, parameters).fetchall()
        issues = [entry((id_, name, text, first_seen, status)) for _, id_, name, text, first_seen, status in rows]
        return {"quiet_days": QUIET_DAYS, "total": rows[0][0] if rows else 0, "issues": issues}


TYPE = QuietIssues()
