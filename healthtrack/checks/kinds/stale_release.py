"""Releases are used, and yet many exceptions belong to none: regressions cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from errortracking.models import Tally
from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, HealthCheck, Remediation
from healthtrack.models import HealthSeverity

DAYS: Final = 7
MIN_WITHOUT: Final = 20  # fewer are a developer's trial
MIN_SHARE: Final = 0.1


def findings(without: int, with_release: int) -> list[Finding]:
    """Return what to say of exceptions without a release, beside those with one."""
    total = without + with_release
    if not with_release or without < MIN_WITHOUT or without / total < MIN_SHARE:
        return []
    payload = {
        "reason": f"{without} of {total} exceptions of the last 7 days have no release, although releases are used",
        "without_release": without,
        "exceptions": total,
        "share": round(without / total, 4),
    }
    return [Finding(HealthSeverity.WARNING, payload)]


class StaleRelease(HealthCheck):
    """One finding per project."""

    kind = "stale_release"
    title = "Exceptions without a release"
    cron = "10 7 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/release/"
    remediation = Remediation(
        human="Make a release in each build of every part (`posthog-cli release create`, or with the source maps).",
        agent=(
            "Find the builds and services that report exceptions without `$release_id`, and give them a release: "
            "inject and upload source maps with posthog-cli in the build, or set POSTHOG_RELEASE_ID to what "
            "`posthog-cli release resolve` prints."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Compare the tallies of the last week."""
        counted = reading.tallies(environment_ids, now, DAYS)
        return {one: findings(told[Tally.WITHOUT_RELEASE], told[Tally.WITH_RELEASE]) for one, told in counted.items()}


CHECK = StaleRelease()
