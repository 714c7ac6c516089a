"""Events that were accepted and could not be processed wait for somebody to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from environments import clock
from environments.tenancy import sql
from healthtrack.checks import eligibility
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthSeverity

CRITICAL_FROM: Final = 100
"""Events. A few are a defect that a few events meet; a hundred are one that loses what people look for."""

# The last reason by a look-up of its own: there may be millions of events, with 2,000 bytes of reason each.
_COUNT: Final = """
    SELECT counted.environment_id, counted.number, counted.oldest, latest.reason
    FROM (
        SELECT environment_id, count(*) AS number, min(created_at) AS oldest
        FROM errortracking_setasideevent WHERE environment_id = ANY(%(environments)s) GROUP BY environment_id
    ) AS counted
    CROSS JOIN LATERAL (
        SELECT reason FROM errortracking_setasideevent s WHERE s.environment_id = counted.environment_id
        ORDER BY s.created_at DESC, s.id DESC LIMIT 1
    ) AS latest
"""


def finding(count: int, oldest: datetime, reason: str) -> Finding:
    """Return what to say of ``count`` events, the first set aside at ``oldest``, the last for ``reason``."""
    events = "1 event was" if count == 1 else f"{count} events were"
    return Finding(
        HealthSeverity.CRITICAL if count >= CRITICAL_FROM else HealthSeverity.WARNING,
        {
            "reason": f"{events} accepted and could not be processed",
            "count": count,
            "oldest": clock.iso(oldest),
            "latest_error": reason[:500],
        },
    )


class SetAsideEvents(HealthCheck):
    """One finding per project, for as long as any event is set aside."""

    kind = "set_aside_events"
    title = "Events could not be processed"
    cron = "*/15 * * * *"
    window = timedelta(days=30)
    hash_keys = ()
    link = "/admin/errortracking/setasideevent/"
    remediation = Remediation(
        human=(
            "Open the set-aside events in the admin and read the error. After an upgrade that mends it, replay them "
            "there or with `manage.py replay`; delete those that nobody needs."
        ),
        agent=(
            "Run `python3 manage.py replay` on the server that runs Healthtrack. If events are set aside again, read "
            "the error of one in the admin's list of set-aside events and look for what the sending application puts "
            "into that event that others do not."
        ),
    )

    def eligible(self, now: datetime) -> set[int]:
        """Return all projects: an event may wait for longer than its project has sent."""
        return eligibility.all_projects()

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Count what is set aside."""
        with sql.cursor() as cursor:
            rows = cursor.execute(_COUNT, {"environments": list(environment_ids)}).fetchall()
        return {environment_id: [finding(*rest)] for environment_id, *rest in rows}


CHECK = SetAsideEvents()
