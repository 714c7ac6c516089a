"""From when on the newest events of many fingerprints happened.

Each fingerprint gives its newest events by an index, and whoever wants the newest ten thousand of a hundred
fingerprints would read a million to keep one in a hundred. So the moment of the last of them is looked for first, among
times alone: some of each fingerprint, and then twice as many of those that may have more after it, until none may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql

FEW: Final = 5
"""Fingerprints of which the newest events are simply read: as many times more than are wanted, at most."""
LEAST: Final = 16
"""Times of one fingerprint that are read at first: a look into the index costs more than these."""

_FINGERPRINTS: Final = "SELECT id FROM errortracking_fingerprint WHERE environment_id = %s AND issue_id = %s"
_TIMES: Final = """
    SELECT f.id, ARRAY(
        SELECT timestamp FROM errortracking_event
        WHERE environment_id = %(environment)s AND fingerprint_id = f.id
            AND received_at >= coalesce(%(received)s::timestamptz, '-infinity')
            AND timestamp >= coalesce(%(since)s::timestamptz, '-infinity')
            AND timestamp <= coalesce(%(until)s::timestamptz, 'infinity')
        ORDER BY timestamp DESC, id DESC LIMIT %(each)s
    )
    FROM unnest(%(fingerprints)s::uuid[]) AS f(id)
"""


class Within(NamedTuple):
    """Which events: those that happened between two moments (both included), and were received since another."""

    since: datetime | None = None
    until: datetime | None = None
    received: datetime | None = None


def of_issue(environment_id: int, issue_id: UUID) -> list[UUID]:
    """Return the fingerprints of an issue."""
    with sql.cursor() as cursor:
        return [id_ for (id_,) in cursor.execute(_FINGERPRINTS, [environment_id, issue_id]).fetchall()]


def since(environment_id: int, fingerprints: Sequence[UUID], within: Within, number: int) -> datetime | None:
    """Return when the last of the ``number`` newest events happened; where there are not so many, ``within.since``.

    What is read are some times ``number`` moments, however many events there are.
    """
    wanted, known = list(fingerprints), dict[UUID, list[datetime]]()
    last, each = None, max(2 * number // max(len(wanted), 1), LEAST)
    while wanted:
        each = min(each, number)
        known |= _times(environment_id, wanted, within, each)
        last = _last(chain.from_iterable(known.values()), number)
        full = [id_ for id_ in wanted if len(known[id_]) == each and each < number]
        wanted = [id_ for id_ in full if last is None or known[id_][-1] > last]
        each *= 2
    return last or within.since


def _times(environment_id: int, fingerprints: list[UUID], within: Within, each: int) -> dict[UUID, list[datetime]]:
    """Return the times of the newest events of each of ``fingerprints``, the newest first."""
    parameters = {"environment": environment_id, "fingerprints": fingerprints, "each": each, **within._asdict()}
    with sql.cursor() as cursor:
        return dict(cursor.execute(_TIMES, parameters, binary=True).fetchall())


def _last(times: Iterable[datetime], number: int) -> datetime | None:
    newest = sorted(times, reverse=True)[:number]
    return newest[-1] if len(newest) == number else None
