"""Exceptions were dropped because a rate limit was reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from environments.tenancy import sql
from errortracking.models.partitions import utc_day
from errortracking.models.rate_limits import DropReason
from healthtrack.checks.base import Finding, Findings, HealthCheck, Payload, Remediation
from healthtrack.models import HealthSeverity

CRITICAL_SHARE: Final = 0.5
"""Of what was sent: when more is dropped than kept, what is seen is no longer what happens."""

_DROPPED: Final = """
    SELECT environment_id,
           coalesce(sum(count) FILTER (WHERE outcome = 'rate_limited' AND reason = 'project'), 0)::bigint,
           coalesce(sum(count) FILTER (WHERE outcome = 'rate_limited' AND reason = 'issue'), 0)::bigint,
           coalesce(sum(count) FILTER (WHERE outcome IN ('rate_limited', 'stored')), 0)::bigint
    FROM errortracking_outcomecount
    WHERE environment_id = ANY(%s) AND day >= %s
    GROUP BY environment_id
"""


def findings(by_project: int, by_issue: int, sent: int) -> list[Finding]:
    """Return a finding for each kind of limit that dropped something of the ``sent`` exceptions of two days."""
    dropped = {DropReason.PROJECT: by_project, DropReason.ISSUE: by_issue}
    return [_finding(reason, count, sent) for reason, count in dropped.items() if count]


def _finding(reason: DropReason, count: int, sent: int) -> Finding:
    whose = "the project's rate limit" if reason is DropReason.PROJECT else "the rate limits of its issues"
    share = count / sent
    return Finding(
        HealthSeverity.CRITICAL if share >= CRITICAL_SHARE else HealthSeverity.WARNING,
        {
            "reason": f"{count} of {sent} exceptions of yesterday and today were dropped by {whose}",
            "limit": reason.value,
            "dropped": count,
            "sent": sent,
            "share": round(share, 4),
        },
    )


class RateLimited(HealthCheck):
    """One finding for the project's limit and one for those of its issues. Counters are by UTC day."""

    kind = "rate_limited"
    title = "Exceptions are dropped by a rate limit"
    cron = "*/15 * * * *"
    window = timedelta(days=1)
    hash_keys = ("limit",)
    link = "/admin/errortracking/outcomecount/"
    remediation = Remediation(
        human=(
            "Look in the admin which issues lost exceptions. Mend the one that throws in a loop, suppress it by a "
            "rule, or raise the limit in the project's error tracking settings."
        ),
        agent=(
            "Find the exception that is reported most often and mend its cause, or catch it where it is expected. If "
            "it is reported in a loop, report it once and go on quietly. Raise the limit only if every one matters."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Read the outcome counters of yesterday and today."""
        found: dict[int, list[Finding]] = defaultdict(list)
        with sql.cursor() as cursor:
            cursor.execute(_DROPPED, [list(environment_ids), utc_day(now - self.window)])
            for environment_id, *counts in cursor.fetchall():
                found[environment_id] = findings(*counts)
        return found

    def title_of(self, payload: Payload) -> str:
        """Return the title, which names the limit."""
        whose = "the project's" if payload.get("limit") == DropReason.PROJECT else "an issue's"
        return f"Exceptions are dropped by {whose} rate limit"


CHECK = RateLimited()
