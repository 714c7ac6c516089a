"""Fingerprints lead to the issues of those that they replace, when frames become readable.

An event that came before its source map has a fingerprint made of minified names. The next one like it, resolved, has
another; so that one is added to the first one's issue before any such event comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import event_payload
from errortracking.models.event_payload import StoredEvent, StoredException
from errortracking.pipeline import fingerprint, fingerprint_rows, frame_rows
from errortracking.pipeline.exceptions import Frame, ParsedEvent, ParsedException
from errortracking.pipeline.fingerprint import Fingerprint
from errortracking.pipeline.fingerprint_rows import NewFingerprint

PAGE: Final = 100  # events that are read at a time; most take some kilobytes

Resolved = Mapping[str, Sequence[Frame]]
"""By raw id: the frames that are going to be."""


class _Awaited(NamedTuple):
    """A fingerprint that was made with a frame which was not resolved, and an event that has it."""

    fingerprint_id: UUID
    event_id: UUID
    received_at: datetime


class _Old(NamedTuple):
    """A fingerprint's row."""

    id: UUID
    fingerprint: str
    issue_id: UUID
    first_seen: datetime


def lead(environment_id: int, frame_ids: Sequence[UUID], resolved: Resolved) -> None:
    """Add to each issue the fingerprints that its events will have once these frames are ``resolved``.

    Not where an event like it would be recognised all the same, in whatever issue that is.
    """
    while page := _page(environment_id, frame_ids):
        events = _events(environment_id, page)
        rebuilt = _rebuild(environment_id, events, resolved)
        found = {id_: fingerprint.candidates(event) for id_, event in rebuilt.items()}
        with transaction.atomic():
            _add(environment_id, found)
            _forget(environment_id, frame_ids, [awaited.fingerprint_id for awaited in page])


_AWAITED: Final = """
    SELECT DISTINCT ON (fingerprint_id) fingerprint_id, event_id, received_at FROM (
        SELECT fingerprint_id, event_id, received_at FROM errortracking_awaitedframe
        WHERE environment_id = %s AND frame_id = ANY(%b) LIMIT %s
    ) AS page
"""


def _page(environment_id: int, frame_ids: Sequence[UUID]) -> list[_Awaited]:
    if not frame_ids:
        return []
    with sql.cursor() as cursor:
        rows = cursor.execute(_AWAITED, [environment_id, list(frame_ids), PAGE]).fetchall()
    return [_Awaited._make(row) for row in rows]


def _forget(environment_id: int, frame_ids: Sequence[UUID], fingerprint_ids: Sequence[UUID]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_awaitedframe"
            " WHERE environment_id = %s AND frame_id = ANY(%b) AND fingerprint_id = ANY(%b)",
            [environment_id, list(frame_ids), list(fingerprint_ids)],
        )


# OFFSET 0 keeps the planner from joining in another way than one look into one partition for each event.
_EVENTS: Final = """
    SELECT asked.fingerprint_id, e.id, e.payload
    FROM unnest(%(fingerprints)b::uuid[], %(events)b::uuid[], %(received)b::timestamptz[])
        AS asked(fingerprint_id, event_id, received_at)
    CROSS JOIN LATERAL (
        SELECT id, payload FROM errortracking_event
        WHERE environment_id = %(environment)s AND id = asked.event_id AND received_at = asked.received_at OFFSET 0
    ) AS e
"""


def _events(environment_id: int, page: Sequence[_Awaited]) -> dict[UUID, tuple[UUID, StoredEvent]]:
    """Return the events that are still there, with their ids, by the fingerprints that they go by."""
    parameters = {
        "environment": environment_id,
        "fingerprints": [awaited.fingerprint_id for awaited in page],
        "events": [awaited.event_id for awaited in page],
        "received": [awaited.received_at for awaited in page],
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_EVENTS, parameters, binary=True).fetchall()
    return {fingerprint_id: (id_, event_payload.unpack(payload)) for fingerprint_id, id_, payload in rows}


def _rebuild(
    environment_id: int, events: Mapping[UUID, tuple[UUID, StoredEvent]], resolved: Resolved
) -> dict[UUID, ParsedEvent]:
    """Return the events as they would be if they came once the frames are resolved, those of which all is known."""
    exceptions = [exception for _, event in events.values() for exception in event["exceptions"]]
    current = _Current(environment_id, exceptions, resolved)
    rebuilt = {}
    for fingerprint_id, (id_, event) in events.items():
        try:
            rebuilt[fingerprint_id] = _parsed(id_, event, current)
        except KeyError:
            continue  # a frame of it was deleted: nobody can tell what the next such event will be like
    return rebuilt


class _Current:
    """The frames of some stored exceptions as they are now, or are going to be."""

    def __init__(self, environment_id: int, exceptions: Iterable[StoredException], resolved: Resolved) -> None:
        ids = {UUID(frame["frame"]) for exception in exceptions for frame in exception["frames"]}
        self._keys = _keys(environment_id, ids)
        rows = frame_rows.stored(environment_id, {raw_id for raw_id, _ in self._keys.values()})
        contents = frame_rows.contents(environment_id, {row.content_id for row in rows.values()})
        self._frames: dict[str, list[Frame]] = {}
        for key in sorted(rows):
            row = rows[key]
            frame = Frame(row.raw_id, row.part, contents[row.content_id], None, row.resolved)
            self._frames.setdefault(row.raw_id, []).append(frame)
        self._frames.update({raw_id: list(parts) for raw_id, parts in resolved.items()})

    def of(self, exception: StoredException) -> list[Frame]:
        """Return the frames of the exception, each with all its parts. Raises ``KeyError``."""
        keys = [self._keys[UUID(frame["frame"])] for frame in exception["frames"]]
        return [frame for raw_id, part in keys if part == 0 for frame in self._frames[raw_id]]


def _keys(environment_id: int, ids: Iterable[UUID]) -> dict[UUID, frame_rows.Key]:
    with sql.cursor() as cursor:
        rows = cursor.execute(
            "SELECT id, raw_id, part FROM errortracking_stackframe WHERE environment_id = %s AND id = ANY(%b)",
            [environment_id, list(ids)],
        ).fetchall()
    return {id_: (raw_id, part) for id_, raw_id, part in rows}


def _parsed(id_: UUID, event: StoredEvent, current: _Current) -> ParsedEvent:
    exceptions = [
        ParsedException(
            exception["id"],
            exception["type"],
            exception["value"],
            stack=exception.get("stack"),
            frames=current.of(exception),
        )
        for exception in event["exceptions"]
    ]
    lib = event["properties"].get("$lib")
    return ParsedEvent(id_, exceptions, {}, lib if isinstance(lib, str) else None)


# One statement, in the order in which everybody locks fingerprints: nobody moves them to another issue meanwhile.
_LOCK: Final = """
    SELECT id, fingerprint, issue_id, first_seen FROM errortracking_fingerprint
    WHERE environment_id = %(environment)s AND (id = ANY(%(ids)b) OR fingerprint = ANY(%(values)b))
    ORDER BY fingerprint FOR SHARE
"""


def _add(environment_id: int, found: Mapping[UUID, Sequence[Fingerprint]]) -> None:
    """Add the newest of the fingerprints ``found`` to the issue of the one whose id they stand under."""
    values = {candidate.value for candidates in found.values() for candidate in candidates}
    with sql.cursor() as cursor:
        parameters = {"environment": environment_id, "ids": list(found), "values": sorted(values)}
        rows = [_Old._make(row) for row in cursor.execute(_LOCK, parameters).fetchall()]
    known = {row.fingerprint for row in rows}
    new: dict[str, tuple[_Old, Fingerprint]] = {}
    for row in rows:
        candidates = found.get(row.id, ())
        if candidates and known.isdisjoint(candidate.value for candidate in candidates):
            new.setdefault(candidates[0].value, (row, candidates[0]))
    if new:
        now = clock.now()
        made = [NewFingerprint(uuid7(now), old.issue_id, one, old.first_seen) for old, one in new.values()]
        fingerprint_rows.insert(environment_id, now, made)
