"""A site or an app that used to send page views has fallen silent (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 30
REASON: Final = "No $pageview or $screen events in last 30 days"


class NoLiveEvents(WebCheck):
    """One finding per project."""

    kind = "no_live_events"
    title = "No live events"
    cron = "30 4 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human=(
            "Open the site with the browser's network view: is the snippet loaded, does it send to this server, and "
            "with the project's token? If the site is gone, dismiss this."
        ),
        agent=(
            "Check that posthog-js is initialised on every page with `api_host` set to this server and the project's "
            "`phc_…` token, that no content security policy or consent gate stops it, and that `capture_pageview` is "
            "on."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Look for any page view or screen."""
        counts = reading.events(environment_ids, ["$pageview", "$screen"], now, DAYS)
        found = [Finding(HealthSeverity.CRITICAL, {"reason": REASON})]
        return {environment_id: found for environment_id, count in counts.items() if not count.total()}


CHECK = NoLiveEvents()
