"""Page views come, but nothing tells how fast pages are (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 30
REASON: Final = "Team has $pageview events but no $web_vitals events in last 30 days"


class WebVitals(WebCheck):
    """One finding per project."""

    kind = "web_vitals"
    title = "No web vitals"
    cron = "30 5 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human="Switch `capture_performance` on where posthog-js is initialised, or dismiss this if nobody needs it.",
        agent="Find `posthog.init` and set `capture_performance: { web_vitals: true }`; keep its other options.",
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Compare page views with web vitals."""
        counts = reading.events(environment_ids, ["$pageview", "$web_vitals"], now, DAYS)
        found = [Finding(HealthSeverity.WARNING, {"reason": REASON})]
        return {one: found for one, count in counts.items() if count["$pageview"] and not count["$web_vitals"]}


CHECK = WebVitals()
