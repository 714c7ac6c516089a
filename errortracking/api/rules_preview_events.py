"""A candidate rule tried on stored events, newest first, within bounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import IssueStatus, event_payload
from errortracking.models.event_payload import StoredEvent
from errortracking.models.partitions import utc_day
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
    """An event and its issue as it is now; without an issue where its exceptions could not be read."""

    id: UUID
    timestamp: datetime
    payload: bytes
    kind: str | None
    issue_id: UUID | None
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


# By the key of the day's partition: SDKs make ids that grow with the time, so the greatest are the newest.
_OF_DAY: Final = """
    SELECT e.id, e.timestamp, e.payload, f.kind, f.issue_id, i.name, i.description
    FROM (
        SELECT id, timestamp, payload, fingerprint_id FROM errortracking_event
        WHERE environment_id = %(environment)s AND received_at >= %(since)s AND received_at < %(until)s
            AND id < %(before)s
        ORDER BY id DESC LIMIT %(limit)s
    ) AS e
    LEFT JOIN errortracking_fingerprint f ON f.environment_id = %(environment)s AND f.id = e.fingerprint_id
    LEFT JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = f.issue_id
    ORDER BY e.id DESC
"""
_LAST: Final = UUID(int=2**128 - 1)


def _events(environment_id: int, until: datetime) -> Iterator[Stored]:
    """Yield the events that were received in the `DAYS` before ``until``, the newest day first."""
    since, end = until - timedelta(days=DAYS), until
    while end > since:
        midnight = datetime.combine(utc_day(end - timedelta(microseconds=1)), datetime.min.time(), UTC)
        begin, before = max(midnight, since), _LAST
        while True:
            rows = _read(environment_id, begin, end, before)
            yield from rows
            if len(rows) < AT_ONCE:
                break
            before = rows[-1].id
        end = begin


def _read(environment_id: int, since: datetime, until: datetime, before: UUID) -> list[Stored]:
    parameters = {
        "environment": environment_id,
        "since": since,
        "until": until,
        "before": before,
        "limit": AT_ONCE,
    }
    with sql.cursor() as cursor:
        return [Stored(*row) for row in cursor.execute(_OF_DAY, parameters, binary=True).fetchall()]
