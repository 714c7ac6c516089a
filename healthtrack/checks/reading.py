"""What several kinds read: the daily counters of many projects, each by one statement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from environments.tenancy import sql
from errortracking.models.partitions import utc_day

_EVENTS: Final = """
    SELECT environment_id, event, sum(count)::bigint FROM errortracking_trafficcount
    WHERE environment_id = ANY(%s) AND event = ANY(%s) AND day >= %s AND day <= %s
    GROUP BY environment_id, event
"""
_PAGES: Final = """
    SELECT environment_id, host, has_session, is_proxied, sum(count)::bigint FROM errortracking_trafficcount
    WHERE environment_id = ANY(%s) AND event = ANY(%s) AND day >= %s AND day <= %s
    GROUP BY environment_id, host, has_session, is_proxied
    ORDER BY environment_id, host, has_session, is_proxied
"""
_TALLIES: Final = """
    SELECT environment_id, what, sum(count)::bigint FROM errortracking_dailytally
    WHERE environment_id = ANY(%s) AND day >= %s AND day <= %s
    GROUP BY environment_id, what
"""


class Pages(NamedTuple):
    """How many events of pages were alike."""

    host: str
    has_session: bool
    is_proxied: bool
    number: int


def events(environment_ids: Sequence[int], names: Sequence[str], now: datetime, days: int) -> dict[int, Counter[str]]:
    """Return how often the named events of pages came in the last ``days`` days, today included, by project.

    Not from the counters of all names: a project that sends very many has used up its names there, and a page view that
    comes later is counted as one of the others.
    """
    found: dict[int, Counter[str]] = {environment_id: Counter() for environment_id in environment_ids}
    with sql.cursor() as cursor:
        cursor.execute(_EVENTS, [list(environment_ids), list(names), *_days(now, days)])
        for environment_id, name, count in cursor.fetchall():
            found[environment_id][name] = count
    return found


def pages(environment_ids: Sequence[int], names: Sequence[str], now: datetime, days: int) -> dict[int, list[Pages]]:
    """Return the counts of the named events of pages in the last ``days`` days, by project and by host's name."""
    found: dict[int, list[Pages]] = defaultdict(list)
    with sql.cursor() as cursor:
        cursor.execute(_PAGES, [list(environment_ids), list(names), *_days(now, days)])
        for environment_id, *row in cursor.fetchall():
            found[environment_id].append(Pages(*row))
    return found


def tallies(environment_ids: Sequence[int], now: datetime, days: int) -> dict[int, Counter[str]]:
    """Return how the exceptions of the last ``days`` days were sent, by project (`errortracking.models.Tally`)."""
    found: dict[int, Counter[str]] = {environment_id: Counter() for environment_id in environment_ids}
    with sql.cursor() as cursor:
        cursor.execute(_TALLIES, [list(environment_ids), *_days(now, days)])
        for environment_id, what, count in cursor.fetchall():
            found[environment_id][what] = count
    return found


def _days(now: datetime, days: int) -> tuple[object, object]:
    """Return the first and the last UTC day that are counted. Counters are by day: today is a part of one."""
    return utc_day(now - timedelta(days=days)), utc_day(now)
