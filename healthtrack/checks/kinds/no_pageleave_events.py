"""Page views come, but no page leaves: no time on page, no bounce rate (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 30
REASON: Final = "Team has $pageview events but no $pageleave events in last 30 days"


class NoPageleaveEvents(WebCheck):
    """One finding per project."""

    kind = "no_pageleave_events"
    title = "No page leave events"
    cron = "30 3 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human="Switch `capture_pageleave` on where posthog-js is initialised, or dismiss this if nobody needs it.",
        agent=(
            "Find `posthog.init` and remove `capture_pageleave: false`, or set `capture_pageleave: true` where page "
            "views are captured by hand."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Compare page views with page leaves."""
        counts = reading.events(environment_ids, ["$pageview", "$pageleave"], now, DAYS)
        found = [Finding(HealthSeverity.WARNING, {"reason": REASON})]
        return {one: found for one, count in counts.items() if count["$pageview"] and not count["$pageleave"]}


CHECK = NoPageleaveEvents()
