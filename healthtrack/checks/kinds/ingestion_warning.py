"""Events arrive in a shape of which something is lost (pipeline 5.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from environments import clock
from environments.tenancy import sql
from errortracking.models.partitions import utc_day
from errortracking.pipeline.count import MAX_EVENT_NAMES, OTHER
from healthtrack.checks.base import Finding, Findings, HealthCheck, Payload, Remediation
from healthtrack.models import HealthSeverity

DAYS: Final = 7
MIN_COUNT: Final = 10


class Warned(NamedTuple):
    """One type of warning: where it belongs, how bad it is, and what it means."""

    category: str
    severity: HealthSeverity
    text: str


WARNINGS: Final = {
    "unreadable_exception_list": Warned(
        "exceptions", HealthSeverity.CRITICAL, "exceptions whose `$exception_list` cannot be read belong to no issue"
    ),
    "too_many_event_names": Warned(
        "event_names", HealthSeverity.INFO, "events have names beyond the 1,000 that are counted by name"
    ),
    "duplicate_uuid": Warned(
        "duplicates", HealthSeverity.WARNING, "exceptions were sent again under a uuid that was stored already"
    ),
}
# A retry after a lost answer is a duplicate as well: of few that is the sense of it.
MIN_DUPLICATE_SHARE: Final = 0.05

# An application may name its own events as those are counted that are beyond the limit: so its names are counted too,
# by a walk along the index from one to the next, and only of projects that would be warned.
_COUNTED: Final = """
    SELECT environment_id, 'unreadable_exception_list', sum(count)::bigint, max(last_received_at)
    FROM errortracking_dailytally
    WHERE environment_id = ANY(%(environments)s) AND day >= %(since)s AND what = 'unreadable'
    GROUP BY environment_id
    UNION ALL
    SELECT environment_id, 'too_many_event_names', sum(count)::bigint, max(last_received_at)
    FROM errortracking_eventcount other
    WHERE environment_id = ANY(%(environments)s) AND day >= %(since)s AND event = %(other)s
    GROUP BY environment_id
    HAVING sum(count) >= %(least)s AND %(names)s <= (
        WITH RECURSIVE names AS (
            (SELECT event FROM errortracking_eventcount WHERE environment_id = other.environment_id
             ORDER BY event LIMIT 1)
            UNION ALL
            SELECT (
                SELECT c.event FROM errortracking_eventcount c
                WHERE c.environment_id = other.environment_id AND c.event > names.event ORDER BY c.event LIMIT 1
            ) FROM names WHERE names.event IS NOT NULL
        )
        SELECT count(event) FROM (SELECT event FROM names LIMIT %(names)s) AS first
    )
    UNION ALL
    SELECT environment_id, 'duplicate_uuid', coalesce(sum(count) FILTER (WHERE outcome = 'duplicate'), 0)::bigint,
           max(day) FILTER (WHERE outcome = 'duplicate')::timestamp AT TIME ZONE 'UTC'
    FROM errortracking_outcomecount
    WHERE environment_id = ANY(%(environments)s) AND day >= %(since)s AND outcome IN ('duplicate', 'stored')
    GROUP BY environment_id
    HAVING coalesce(sum(count) FILTER (WHERE outcome = 'duplicate'), 0) >= %(share)s * sum(count)
    ORDER BY 1, 2
"""


def finding(warning_type: str, count: int, last_seen_at: datetime) -> Finding:
    """Return what to say of that many events."""
    warned = WARNINGS[warning_type]
    return Finding(
        warned.severity,
        {
            "warning_type": warning_type,
            "category": warned.category,
            "severity": "error" if warned.severity is HealthSeverity.CRITICAL else warned.severity.value,
            "affected_count": count,
            "last_seen_at": clock.iso(last_seen_at),
        },
    )


class IngestionWarning(HealthCheck):
    """One finding for each type of warning."""

    kind = "ingestion_warning"
    title = "Ingestion warning detected"
    cron = "0 7 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ("warning_type",)
    link = "/admin/errortracking/outcomecount/"
    remediation = Remediation(
        human=(
            "Look at one of the events: its property `$cymbal_errors` says what could not be read. Mostly an own "
            "client or a `before_send` makes a shape of its own."
        ),
        agent=(
            "Look for code that builds `$exception` events by hand or changes them in `before_send`: `$exception_list` "
            "is a non-empty list of objects with `type` and `value`; each event has a fresh uuid; event names are a "
            "fixed set and hold no ids."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Read the daily counters of the last week."""
        parameters = {
            "environments": list(environment_ids),
            "since": utc_day(now - self.window),
            "share": MIN_DUPLICATE_SHARE,
            "other": OTHER,
            "least": MIN_COUNT,
            "names": MAX_EVENT_NAMES,
        }
        found: dict[int, list[Finding]] = defaultdict(list)
        with sql.cursor() as cursor:
            for environment_id, warning_type, count, last in cursor.execute(_COUNTED, parameters).fetchall():
                if count >= MIN_COUNT:
                    found[environment_id].append(finding(warning_type, count, last))
        return found

    def summary_of(self, payload: Payload, severity: str) -> str:
        """Return what the type of warning means."""
        warned = WARNINGS.get(str(payload.get("warning_type")))
        text = warned.text if warned else str(payload.get("warning_type"))
        return f"{payload.get('affected_count')} {text}"


CHECK = IngestionWarning()
