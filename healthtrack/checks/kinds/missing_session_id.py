"""Many page views belong to no session (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 30
MIN_PAGEVIEWS: Final = 10_000
MIN_SHARE: Final = 0.05


def findings(without: int, total: int) -> list[Finding]:
    """Return what to say where ``without`` of ``total`` page views had no valid session."""
    if total < MIN_PAGEVIEWS or without / total < MIN_SHARE:
        return []
    text = (
        f"{without / total:.1%} ({without} of {total}) of `$pageview` events without a valid `$session_id` in 30 days"
    )
    return [Finding(HealthSeverity.WARNING, {"reason": text})]


class MissingSessionId(WebCheck):
    """One finding per project."""

    kind = "missing_session_id"
    title = "Page views without a session"
    cron = "0 6 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human="Look which host or SDK sends page views without a session: an old snippet, or events made by a server.",
        agent=(
            "Find where `$pageview` is captured. In the browser let posthog-js do it; if a server captures it, pass "
            "the `$session_id` that posthog-js gives (`posthog.get_session_id()`), a UUID."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Count page views with and without a session."""
        counted = reading.pages(environment_ids, ["$pageview"], now, DAYS)
        return {
            environment_id: findings(
                sum(row.number for row in rows if not row.has_session), sum(row.number for row in rows)
            )
            for environment_id, rows in counted.items()
        }


CHECK = MissingSessionId()
