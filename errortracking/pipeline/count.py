"""Stage: the counters of a project: what became of its events, and which events it sends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.pipeline.batch import Accepted, Batch, OutcomeKey
from errortracking.pipeline.clean import cut
from errortracking.pipeline.parse import MAX_LIB

# Per project, ever: names are written by people; more are ids in names, and would fill the table.
MAX_EVENT_NAMES = 1_000
# Per project and day: pairs of SDK and version; a fleet runs a handful, and the client writes them.
MAX_SDK_VERSIONS = 100
MAX_NAME = 200  # characters, which ingest has seen to; counted again here, where the index would refuse more
OTHER = "other"


def count_others(batch: Batch) -> None:
    """End the way of events that are no exceptions: they are counted and not stored."""
    others = [event for event in batch.events if not event.is_exception]
    batch.end(others, Outcome.COUNTED)


def count_outcomes(batch: Batch) -> None:
    """Add what became of the batch's events to the project's counters. Every event must have its outcome by now."""
    add_outcomes(batch.environment_id, batch.outcomes())


_ADD_OUTCOMES = """
    INSERT INTO errortracking_outcomecount AS o (environment_id, id, day, outcome, reason, count)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(days)b::date[], %(outcomes)b::text[], %(reasons)b::text[], %(counts)b::bigint[])
        AS new(id, day, outcome, reason, count)
    ON CONFLICT (environment_id, day, outcome, reason) DO UPDATE SET count = o.count + excluded.count
"""


def add_outcomes(environment_id: int, counts: Counter[OutcomeKey]) -> None:
    """Add ``counts`` to the outcome counters of a project, in the caller's transaction."""
    keys = sorted(counts)
    parameters = {
        "environment": environment_id,
        "ids": [uuid7() for _ in keys],
        "days": [day for day, _, _ in keys],
        "outcomes": [outcome.value for _, outcome, _ in keys],
        "reasons": [reason for _, _, reason in keys],
        "counts": [counts[key] for key in keys],
    }
    with sql.cursor() as cursor:
        cursor.execute(_ADD_OUTCOMES, parameters)


class _Key(NamedTuple):
    day: date
    event: str
    sdk: str
    version: str


@dataclass(slots=True)
class _Tally:
    count: int
    last: datetime


def count_names(batch: Batch) -> None:
    """Count what was sent by day, event name, SDK and version.

    Exceptions are counted too, whatever became of them, so that the versions of SDKs in use can be read from
    one place; sent again, they are not.
    """
    sent = [event for event in batch.events if event.outcome != Outcome.DUPLICATE]
    if not sent:
        return
    names = _admitted_names(batch.environment_id, dict.fromkeys(_name(event) for event in sent))
    versions = _admitted_versions(batch.environment_id, dict.fromkeys(_version(event) for event in sent))
    tallies: dict[_Key, _Tally] = {}
    for event in sent:
        name, version = _name(event), _version(event)
        sdk = version[1:] if version in versions else (OTHER, "")
        key = _Key(event.day, name if name in names else OTHER, *sdk)
        tally = tallies.setdefault(key, _Tally(0, event.received_at))
        tally.count += 1
        tally.last = max(tally.last, event.received_at)
    _add_names(batch.environment_id, tallies)


def _name(event: Accepted) -> str:
    return event.entry["event"][:MAX_NAME].replace("\0", "\ufffd")


def _version(event: Accepted) -> tuple[date, str, str]:
    properties = event.entry["properties"]
    return event.day, _text(properties.get("$lib")), _text(properties.get("$lib_version"))


def _text(value: object) -> str:
    return cut(value, MAX_LIB).replace("\0", "\ufffd") if isinstance(value, str) else ""


_KNOWN_NAMES = """
    SELECT name FROM unnest(%(names)b::text[]) AS name
    WHERE EXISTS (
        SELECT FROM errortracking_eventcount c WHERE c.environment_id = %(environment)s AND c.event = name
    )
"""
# PostgreSQL has no index scan that skips equal values: this walks the index from one name to the next, so it
# costs as many look-ups as there are names, however many days and versions each name has.
_HOW_MANY_NAMES = """
    WITH RECURSIVE names AS (
        (SELECT event FROM errortracking_eventcount WHERE environment_id = %(environment)s ORDER BY event LIMIT 1)
        UNION ALL
        SELECT (
            SELECT c.event FROM errortracking_eventcount c
            WHERE c.environment_id = %(environment)s AND c.event > names.event ORDER BY c.event LIMIT 1
        ) FROM names WHERE names.event IS NOT NULL
    )
    SELECT count(event) FROM (SELECT event FROM names LIMIT %(limit)s) AS first
"""


def _admitted_names(environment_id: int, names: Iterable[str]) -> set[str]:
    """Return those of ``names`` that have counters of their own: the known, and the first new ones that find room."""
    wanted = list(names)
    with sql.cursor() as cursor:
        cursor.execute(_KNOWN_NAMES, {"environment": environment_id, "names": wanted})
        known = {name for (name,) in cursor.fetchall()}
        new = [name for name in wanted if name not in known]
        if new:
            limit = MAX_EVENT_NAMES + 1  # `other` is one more
            cursor.execute(_HOW_MANY_NAMES, {"environment": environment_id, "limit": limit})
            (there,) = cursor.fetchone() or (0,)
            known.update(new[: max(MAX_EVENT_NAMES - there, 0)])
    return known


_KNOWN_VERSIONS = """
    SELECT DISTINCT day, sdk, sdk_version FROM errortracking_eventcount
    WHERE environment_id = %s AND day = ANY(%b)
"""


def _admitted_versions(environment_id: int, pairs: Iterable[tuple[date, str, str]]) -> set[tuple[date, str, str]]:
    """Return those of the SDK versions that have counters of their own on their day; the first come have them."""
    wanted = list(pairs)
    with sql.cursor() as cursor:
        cursor.execute(_KNOWN_VERSIONS, [environment_id, list({day for day, _, _ in wanted})])
        return first_come(wanted, cursor.fetchall(), MAX_SDK_VERSIONS)


_Dated = TypeVar("_Dated", bound=tuple[Any, ...])


def first_come(wanted: Iterable[_Dated], known: Iterable[_Dated], most: int) -> set[_Dated]:
    """Return ``known`` with the first of ``wanted`` that find room: ``most`` for each day, a key's first part."""
    admitted = set(known)
    taken = Counter(key[0] for key in admitted)
    for key in wanted:
        if key not in admitted and taken[key[0]] < most:
            admitted.add(key)
            taken[key[0]] += 1
    return admitted


_ADD_NAMES = """
    INSERT INTO errortracking_eventcount AS c
        (environment_id, id, day, event, sdk, sdk_version, count, last_received_at)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(days)b::date[], %(events)b::text[], %(sdks)b::text[], %(versions)b::text[],
                %(counts)b::bigint[], %(last)b::timestamptz[])
        AS new(id, day, event, sdk, sdk_version, count, last_received_at)
    ON CONFLICT (environment_id, day, event, sdk, sdk_version) DO UPDATE
    SET count = c.count + excluded.count, last_received_at = greatest(c.last_received_at, excluded.last_received_at)
"""


def _add_names(environment_id: int, tallies: dict[_Key, _Tally]) -> None:
    keys = sorted(tallies)
    parameters = {
        "environment": environment_id,
        "ids": [uuid7() for _ in keys],
        "days": [key.day for key in keys],
        "events": [key.event for key in keys],
        "sdks": [key.sdk for key in keys],
        "versions": [key.version for key in keys],
        "counts": [tallies[key].count for key in keys],
        "last": [tallies[key].last for key in keys],
    }
    with sql.cursor() as cursor:
        cursor.execute(_ADD_NAMES, parameters)
