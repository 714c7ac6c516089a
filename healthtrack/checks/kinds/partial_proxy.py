"""Some hosts of a project send through a proxy of its own, others do not (pipeline 5.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from errortracking.pipeline.traffic import OTHER
from healthtrack.checks import reading
from healthtrack.checks.base import Finding, Findings, Remediation, WebCheck
from healthtrack.checks.kinds.local_development_traffic import is_local
from healthtrack.checks.reading import Pages
from healthtrack.models import HealthSeverity

DAYS: Final = 7
MIN_EVENTS: Final = 50  # per host: fewer may be somebody's trial
MAX_HOSTS: Final = 10  # named in the payload


def findings(rows: Sequence[Pages]) -> list[Finding]:
    """Return what to say of these hosts. One counts as proxied if anything of it is.

    Those that were not counted by name are left out: they may be of both sorts. So are developers' own machines, which
    no visitor's blocker stands before.
    """
    events: Counter[str] = Counter()
    proxied: Counter[str] = Counter()
    for row in rows:
        if row.host and row.host != OTHER and not is_local(row.host):
            events[row.host] += row.number
            proxied[row.host] += row.number * row.is_proxied
    hosts = [host for host, count in events.most_common() if count >= MIN_EVENTS]
    through = [host for host in hosts if proxied[host]][:MAX_HOSTS]
    past = [host for host in hosts if not proxied[host]][:MAX_HOSTS]
    if not through or not past:
        return []
    reason = f"{len(past)} of {len(through) + len(past)} hosts do not send through a reverse proxy"
    payload = {"reason": reason, "proxied_hosts": sorted(through), "unproxied_hosts": sorted(past)}
    return [Finding(HealthSeverity.WARNING, payload)]


class PartialProxy(WebCheck):
    """One finding per project."""

    kind = "partial_proxy"
    title = "Not all hosts use the reverse proxy"
    cron = "45 6 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ()
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human="Set `api_host` on the hosts that are named to the same proxy that the others use.",
        agent=(
            "Find the `posthog.init` of each unproxied host and set its `api_host` to the reverse proxy that the "
            "proxied hosts use. They may share one configuration: look for an environment variable that is not set "
            "there."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Compare the hosts of the last week."""
        counted = reading.pages(environment_ids, ["$pageview", "$screen"], now, DAYS)
        return {environment_id: findings(rows) for environment_id, rows in counted.items()}


CHECK = PartialProxy()
