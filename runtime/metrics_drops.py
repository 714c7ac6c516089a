"""What is dropped today, by project and by issue, for ``/metrics``: the kept counts, read at the scrape.

Labels of every project and issue would have no bound, and Prometheus keeps each for as long as it keeps anything. So
these are gauges of the UTC day, and of those only that drop the most; who wants more asks the admin, where every
project's and issue's drops of all kept days are.
"""

from __future__ import annotations

from datetime import UTC, date

import structlog
from django.db import Error, transaction
from prometheus_client.core import GaugeMetricFamily, Metric

from environments import clock
from environments.tenancy import sql
from errortracking.models import Outcome

log = structlog.get_logger("healthtrack.metrics")

PROJECTS = 100  # times two outcomes with two reasons each: at most 400 lines of a scrape
ISSUES = 20  # times two reasons
_DROPPING = [Outcome.SUPPRESSED.value, Outcome.RATE_LIMITED.value]

_BY_PROJECT = """
    WITH dropped AS (
        SELECT environment_id, outcome, reason, count FROM errortracking_outcomecount
        WHERE day = %(today)s AND outcome = ANY(%(outcomes)s)
    ), most AS (
        SELECT environment_id FROM dropped GROUP BY environment_id
        ORDER BY sum(count) DESC, environment_id LIMIT %(most)s
    )
    SELECT environment_id, outcome, reason, count FROM dropped JOIN most USING (environment_id)
"""
_BY_ISSUE = """
    WITH dropped AS (
        SELECT f.environment_id, f.issue_id, c.reason, sum(c.count)::bigint AS count
        FROM errortracking_ratelimitedcount c
        JOIN errortracking_fingerprint f ON f.environment_id = c.environment_id AND f.id = c.fingerprint_id
        WHERE c.day = %(today)s
        GROUP BY f.environment_id, f.issue_id, c.reason
    ), most AS (
        SELECT environment_id, issue_id FROM dropped GROUP BY environment_id, issue_id
        ORDER BY sum(count) DESC, issue_id LIMIT %(most)s
    )
    SELECT environment_id, issue_id, reason, count FROM dropped JOIN most USING (environment_id, issue_id)
"""


def read() -> list[Metric]:
    """Return what was dropped today; nothing of what takes too long to read, so that the rest of a scrape stays.

    To be called within a transaction, under `maintenance`.
    """
    today = clock.now().astimezone(UTC).date()
    by_project = GaugeMetricFamily(
        "healthtrack_project_drops_today",
        f"Exceptions dropped since midnight (UTC), of the {PROJECTS} projects that drop most.",
        labels=["project", "outcome", "reason"],
    )
    by_issue = GaugeMetricFamily(
        "healthtrack_issue_drops_today",
        f"Exceptions over a rate limit since midnight (UTC), of the {ISSUES} issues with most; the reason is whose.",
        labels=["project", "issue", "reason"],
    )
    _fill(by_project, _BY_PROJECT, {"today": today, "most": PROJECTS, "outcomes": _DROPPING})
    _fill(by_issue, _BY_ISSUE, {"today": today, "most": ISSUES})
    return [by_project, by_issue]


def _fill(family: GaugeMetricFamily, query: str, parameters: dict[str, date | int | list[str]]) -> None:
    try:
        with transaction.atomic(), sql.cursor() as cursor:
            rows = cursor.execute(query, parameters).fetchall()
    except Error as error:
        log.warning("metrics without drops", metric=family.name, error=str(error))
        return
    for *labels, count in sorted(rows, key=str):
        family.add_metric([str(label) for label in labels], float(count))
