"""Clients whose clocks are wrong: times are corrected, yet what they themselves log does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from errortracking.models import Tally
from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthSeverity

DAYS: Final = 7
MIN_SKEWED: Final = 20
MIN_SHARE: Final = 0.05


def findings(skewed: int, total: int) -> list[Finding]:
    """Return what to say where ``skewed`` of ``total`` exceptions were sent by a clock that is minutes off."""
    if skewed < MIN_SKEWED or skewed / total < MIN_SHARE:
        return []
    payload = {
        "reason": f"{skewed} of {total} exceptions of the last 7 days were sent by a clock more than 5 minutes off",
        "skewed": skewed,
        "exceptions": total,
        "share": round(skewed / total, 4),
    }
    return [Finding(HealthSeverity.WARNING, payload)]


class ClockSkew(HealthCheck):
    """One finding per project."""

    kind = "clock_skew"
    title = "Clocks are wrong"
    cron = "20 7 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/event/"
    remediation = Remediation(
        human="Let the machines that send set their clocks by NTP. If it is all, look at this server's own clock.",
        agent=(
            "Compare `date -u` on the machines that run the application with a time server, and switch NTP on where it "
            "differs. If events are kept and sent later, let the SDK set `sent_at` when it sends, not when it queues."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Compare the tallies of the last week."""
        found = {}
        for environment_id, told in reading.tallies(environment_ids, now, DAYS).items():
            total = told[Tally.WITH_RELEASE] + told[Tally.WITHOUT_RELEASE]
            found[environment_id] = findings(told[Tally.CLOCK_SKEW], total)
        return found


CHECK = ClockSkew()
