"""Nothing is sent by way of the customer's own host, so ad blockers stop a part of it (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 1
REASON: Final = "No reverse proxy detected. Ad blockers may affect tracking accuracy."


class ReverseProxy(WebCheck):
    """One finding per project."""

    kind = "reverse_proxy"
    title = "No reverse proxy"
    cron = "30 6 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human=(
            "Let a path or a name of your own site forward to this server, and give that to posthog-js as `api_host`. "
            "If this server already runs under your own name, dismiss this."
        ),
        agent=(
            "Add a reverse proxy from a path of the site (not named after tracking) to this server, keeping method, "
            "body and headers, and set `api_host` of `posthog.init` to that path."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Look whether any page view or screen of the last day came through a proxy."""
        counted = reading.pages(environment_ids, ["$pageview", "$screen"], now, DAYS)
        found = [Finding(HealthSeverity.WARNING, {"reason": REASON})]
        return {one: found for one, rows in counted.items() if not any(row.is_proxied for row in rows)}


CHECK = ReverseProxy()
