"""A candidate rule tried on stored events, newest first, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import IssueStatus, event_payload
from errortracking.models.event_payload import StoredEvent
from errortracking.occurrences import newest
from errortracking.rules.errors import OutOfSteps, RuleError
from errortracking.rules.filters import Predicate
from errortracking.rules.subject import Subject

DAYS: Final = 7
MOST_EVENTS: Final = 2_000
"""Events that are read: at a millisecond each, some seconds of a web thread at the worst that is usual."""
SECONDS: Final = 10.0
"""How long it may take; a rule may cost up to 20 ms for one event."""
SAMPLES: Final = 20
AT_ONCE: Final = 200  # events of some 30 KB unpacked
_NOT_SEEN: Final = frozenset({"$cymbal_errors", "$exception_fingerprint_version"})  # added when rules have been tried


class Stored(NamedTuple):
    """An event and its issue as it is now. What has none, as its exceptions could not be read, matches no rule."""

    id: UUID
    timestamp: datetime
    payload: bytes
    kind: str
    issue_id: UUID
    name: str | None
    description: str | None


@dataclass(slots=True)
class Tried:
    """What a candidate would have done. ``skipped``: for so many events it would have taken too many steps."""

    read: int = 0
    matched: int = 0
    skipped: int = 0
    truncated: bool = False
    failure: tuple[str, UUID] | None = None
    samples: list[Stored] = field(default_factory=list)


def attempt(
    environment_id: int, predicate: Predicate, until: datetime, touches: Callable[[Stored], bool], *, issue: bool
) -> Tried:
    """Try ``predicate`` on the stored events of the `DAYS` before ``until``; what it matches and ``touches`` counts.

    ``issue`` tells that conditions may be on the issue: it is seen as when it is made or opened again, which is when
    such rules are tried. Ends at the first event that the rule fails on: there it would have been switched off.
    """
    found, deadline = Tried(), time.monotonic() + SECONDS
    for event in _events(environment_id, until):
        if found.read >= MOST_EVENTS or time.monotonic() > deadline:
            found.truncated = True
            break
        found.read += 1
        try:
            matched = _matches(predicate, event, issue)
        except OutOfSteps:
            found.skipped += 1
            continue
        except RuleError as error:
            found.failure = str(error), event.id
            break
        if matched and touches(event):
            found.matched += 1
            if len(found.samples) < SAMPLES:
                found.samples.append(event)
    return found


def _matches(predicate: Predicate, event: Stored, issue: bool) -> bool:
    """Return whether the rule matches the event by what was stored of it, which is what rules saw then."""
    try:
        stored: StoredEvent = event_payload.unpack(event.payload)
    except ValueError:
        return False
    if not stored["exceptions"]:
        return False
    properties: dict[str, Any] = {name: value for name, value in stored["properties"].items() if name not in _NOT_SEEN}
    subject = Subject(properties)
    if issue:
        subject.issue = {
            "name": event.name,
            "description": event.description,
            "status": IssueStatus.ACTIVE.value,
        }
    return predicate(subject)


# The newest events are of the fingerprints that were seen last, and those of the issues that were.
_SEEN_LAST: Final = """
    SELECT f.id FROM errortracking_fingerprint f
    JOIN errortracking_fingerprintstatistics s ON s.environment_id = f.environment_id AND s.fingerprint_id = f.id
    WHERE f.environment_id = %(environment)s AND f.issue_id = ANY (ARRAY(
        SELECT i.issue_id FROM errortracking_issuestatistics i
        WHERE i.environment_id = %(environment)s ORDER BY i.last_seen DESC LIMIT %(number)s
    ))
    ORDER BY s.last_seen DESC LIMIT %(number)s
"""
_NEWEST: Final = """
    SELECT e.id, e.received_at FROM unnest(%(fingerprints)s::uuid[]) AS f(id) CROSS JOIN LATERAL (
        SELECT id, received_at, timestamp FROM errortracking_event
        WHERE environment_id = %(environment)s AND fingerprint_id = f.id
            AND received_at >= %(since)s AND received_at < %(until)s
            AND timestamp >= coalesce(%(last)s::timestamptz, '-infinity')
        ORDER BY timestamp DESC, id DESC LIMIT %(number)s
    ) e
    ORDER BY e.timestamp DESC, e.id DESC LIMIT %(number)s
"""
# OFFSET 0 keeps the planner from joining in another way than one look into one partition for each event.
_EVENTS: Final = """
    SELECT e.id, e.timestamp, e.payload, f.kind, f.issue_id, i.name, i.description
    FROM unnest(%(ids)s::uuid[], %(received)s::timestamptz[]) WITH ORDINALITY AS asked(id, received_at, number)
    CROSS JOIN LATERAL (
        SELECT * FROM errortracking_event
        WHERE environment_id = %(environment)s AND id = asked.id AND received_at = asked.received_at OFFSET 0
    ) e
    JOIN errortracking_fingerprint f ON f.environment_id = %(environment)s AND f.id = e.fingerprint_id
    JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = f.issue_id
    ORDER BY asked.number
"""


def _events(environment_id: int, until: datetime) -> Iterator[Stored]:
    """Yield the newest of the events that were received in the `DAYS` before ``until``, one more than are looked at."""
    found = _newest(environment_id, until)
    for first in range(0, len(found), AT_ONCE):
        ids, received = zip(*found[first : first + AT_ONCE], strict=True)
        with sql.cursor() as cursor:
            parameters = {"environment": environment_id, "ids": list(ids), "received": list(received)}
            rows = cursor.execute(_EVENTS, parameters, binary=True).fetchall()
        yield from map(Stored._make, rows)


def _newest(environment_id: int, until: datetime) -> list[tuple[UUID, datetime]]:
    """Return ids and times of receipt. Not along the events' key: ids grow with the time in some SDKs only."""
    since, number = until - timedelta(days=DAYS), MOST_EVENTS + 1
    parameters = {"environment": environment_id, "since": since, "until": until, "number": number}
    with sql.cursor() as cursor:
        fingerprints = [id_ for (id_,) in cursor.execute(_SEEN_LAST, parameters).fetchall()]
        last = newest.since(environment_id, fingerprints, newest.Within(received=since), number)
        parameters |= {"fingerprints": fingerprints, "last": last}
        return list(cursor.execute(_NEWEST, parameters, binary=True).fetchall())
