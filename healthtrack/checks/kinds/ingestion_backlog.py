"""Accepted events wait long until they are processed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from environments import clock
from environments.tenancy import sql
from healthtrack.checks import eligibility
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthSeverity

WARNING_FROM: Final = timedelta(minutes=5)
"""An event is visible within two seconds; minutes mean that more comes than is processed, or that nobody processes."""
CRITICAL_FROM: Final = timedelta(minutes=30)

# Parked and leased rows count as well: they wait, for whatever reason. The bound on the backlog bounds this, too.
_WAITING: Final = """
    SELECT environment_id, count(*), sum(bytes)::bigint, min(received_at)
    FROM errortracking_queuedrequest WHERE environment_id = ANY(%s)
    GROUP BY environment_id HAVING min(received_at) <= %s
"""


def finding(requests: int, size: int, oldest: datetime, now: datetime) -> Finding:
    """Return what to say of that many waiting requests of that many bytes, compressed."""
    age = now - oldest
    minutes = age // timedelta(minutes=1)
    return Finding(
        HealthSeverity.CRITICAL if age >= CRITICAL_FROM else HealthSeverity.WARNING,
        {
            "reason": f"{requests} accepted requests wait to be processed, the oldest for {minutes} minutes",
            "waiting_requests": requests,
            "waiting_bytes": size,
            "oldest_received_at": clock.iso(oldest),
        },
    )


class IngestionBacklog(HealthCheck):
    """One finding per project whose oldest waiting request is five minutes old."""

    kind = "ingestion_backlog"
    title = "Events wait to be processed"
    cron = "*/5 * * * *"
    window = timedelta(days=30)
    hash_keys = ()
    link = "/admin/errortracking/queuedrequest/"
    remediation = Remediation(
        human=(
            "Run `manage.py doctor` and look whether a worker is alive and what it logs. If the workers are busy, run "
            "more of them (`--workers`), also on other machines, or set a rate limit for the project that sends so "
            "much."
        ),
        agent=(
            "Run `python3 manage.py doctor` on the server that runs Healthtrack and read the worker's log. If more is "
            "sent than can be processed, look for a loop in the application that reports the same exception again and "
            "again, and for retries without a pause."
        ),
    )

    def eligible(self, now: datetime) -> set[int]:
        """Return all projects: what waits has not been counted yet."""
        return eligibility.all_projects()

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Look at what waits in the queue."""
        with sql.cursor() as cursor:
            rows = cursor.execute(_WAITING, [list(environment_ids), now - WARNING_FROM]).fetchall()
        return {one: [finding(requests, size, oldest, now)] for one, requests, size, oldest in rows}


CHECK = IngestionBacklog()
