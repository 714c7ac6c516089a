"""Look at issues that have been active for long and still occur."""

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

WINDOW: Final = timedelta(days=7)  # an issue is old from here on, and events count that are younger
_AHEAD: Final = timedelta(days=1)
"""An event's time is at most 23 hours after its receipt, the one by which events are partitioned: so far back the
partitions must be looked into."""

# First the five, by one look-up of an event for each candidate; only then the counting, which reads every event of the
# week of those five from the index. Without MATERIALIZED and the scalar sub-query PostgreSQL may count for all of them.
_FIND: Final = """
    WITH oldest AS MATERIALIZED (
        SELECT i.id, i.name, i.description, i.status, s.first_seen
        FROM errortracking_issuestatistics s
        JOIN errortracking_issue i ON i.environment_id = s.environment_id AND i.id = s.issue_id
        WHERE s.environment_id = %(environment)s AND i.status = %(active)s
          AND s.first_seen < %(since)s AND s.last_seen >= %(since)s
          AND (
              SELECT true
              FROM errortracking_fingerprint f
              JOIN errortracking_event e ON e.environment_id = f.environment_id AND e.fingerprint_id = f.id
              WHERE f.environment_id = s.environment_id AND f.issue_id = s.issue_id
                AND e.timestamp >= %(since)s AND e.received_at >= %(received)s
              LIMIT 1
          )
        ORDER BY s.first_seen, i.id
        LIMIT %(limit)s
    )
    SELECT o.id, o.name, o.description, o.first_seen, o.status, (
        SELECT count(*)
        FROM errortracking_fingerprint f
        JOIN errortracking_event e ON e.environment_id = f.environment_id AND e.fingerprint_id = f.id
        WHERE f.environment_id = %(environment)s AND f.issue_id = o.id
          AND e.timestamp >= %(since)s AND e.received_at >= %(received)s
    )
    FROM oldest o
    ORDER BY o.first_seen, o.id
"""


def entry(row: tuple[UUID, str | None, str | None, datetime, str, int]) -> dict[str, Any]:
    """Return how ``meta`` shows an issue: its name and description come from events."""
    issue_id, name, description, first_seen, status, occurrences = row
    return {
        "id": str(issue_id),
        "name": name or UNTITLED,
        "description": description,
        "created_at": clock.iso(first_seen),
        "occurrences": occurrences,
        "status": status,
    }


class LongRunningIssues(IssueList):
    """Completed when there is no such issue."""

    name = "long_running_issues"
    interval = timedelta(hours=6)

    def compute(self, environment_id: int) -> Meta:
        """Return the oldest active issues, first seen over 7 days ago, with their events of the last 7 days."""
        since = clock.now() - WINDOW
        parameters = {
            "environment": environment_id,
            "active": IssueStatus.ACTIVE.value,
            "since": since,
            "received": since - _AHEAD,
            "limit": MAX_ISSUES,
        }
        with sql.cursor() as cursor:
            return {"issues": [entry(row) for row in cursor.execute(_FIND, parameters).fetchall()]}


TYPE = LongRunningIssues()
