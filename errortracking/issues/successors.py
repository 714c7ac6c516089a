"""Where an issue has gone that was merged into another."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from environments.tenancy import sql

FURTHEST: Final = 1_000
"""Merges that are followed; people merge a handful of times. A bound for a query that follows rows."""

_FOLLOW = """
    WITH RECURSIVE gone AS (
        SELECT r.successor_id, 1 AS far FROM errortracking_issueredirect r
        WHERE r.environment_id = %(environment)s AND r.id = %(issue)s
        UNION ALL
        SELECT r.successor_id, gone.far + 1
        FROM gone JOIN errortracking_issueredirect r ON r.environment_id = %(environment)s AND r.id = gone.successor_id
        WHERE gone.far < %(furthest)s
    )
    SELECT i.id FROM gone
    JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = gone.successor_id
    ORDER BY gone.far LIMIT 1
"""


def successor_of(environment_id: int, issue_id: UUID) -> UUID | None:
    """Return the issue that ``issue_id`` is part of now, however often it was merged further.

    ``None`` where it was never merged away (so also for an issue that is there), or where the successor is gone too.
    """
    with sql.cursor() as cursor:
        parameters = {"environment": environment_id, "issue": issue_id, "furthest": FURTHEST}
        row = cursor.execute(_FOLLOW, parameters).fetchone()
    return row[0] if row else None
