"""Page views of developers' own machines are counted with those of visitors (pipeline 5.4)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Payload, Remediation, WebCheck
from healthtrack.models import HealthSeverity

DAYS: Final = 7
MIN_LOCAL: Final = 50
WARNING_SHARE: Final = 0.01


def is_local(host: str) -> bool:
    """Return whether a host is the visitor's own machine: localhost, a name below it, or a loopback address."""
    name = host.strip("[]").partition("]")[0]
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or name == "0.0.0.0"  # noqa: S104 - as some servers print it
    except ValueError:
        return False


def findings(local: int, total: int) -> list[Finding]:
    """Return what to say where ``local`` of ``total`` page views were of a developer's machine."""
    if local < MIN_LOCAL:
        return []
    share = local / total
    severity = HealthSeverity.WARNING if share >= WARNING_SHARE else HealthSeverity.INFO
    return [Finding(severity, {"local_pageviews": local, "pageviews": total, "share": round(share, 4)})]


class LocalDevelopmentTraffic(WebCheck):
    """One finding per project."""

    kind = "local_development_traffic"
    title = "Traffic of local development"
    cron = "15 5 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human="Give local development a project of its own, or do not initialise the SDK there.",
        agent=(
            "Make `posthog.init` depend on the environment: skip it, or use another project's token, where the host is "
            "localhost or a loopback address."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Count the page views of local hosts."""
        counted = reading.pages(environment_ids, ["$pageview"], now, DAYS)
        return {
            environment_id: findings(
                sum(row.number for row in rows if is_local(row.host)), sum(row.number for row in rows)
            )
            for environment_id, rows in counted.items()
        }

    def summary_of(self, payload: Payload, severity: str) -> str:
        """Return the numbers."""
        local, total = payload.get("local_pageviews"), payload.get("pageviews")
        return f"{local} of {total} page views of the last 7 days came from local development"


CHECK = LocalDevelopmentTraffic()
