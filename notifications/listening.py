"""What of a project's changes is told to anybody."""

from __future__ import annotations

from environments.tenancy import sql

_HEARD = """
    SELECT DISTINCT event FROM notifications_destination d CROSS JOIN unnest(d.events) AS event
    WHERE d.environment_id = %s AND d.enabled
"""


def heard(environment_id: int) -> frozenset[str]:
    """Return the events (`NoticeEvent`) that a destination listens to which is switched on."""
    with sql.cursor() as cursor:
        return frozenset(event for (event,) in cursor.execute(_HEARD, [environment_id]).fetchall())
