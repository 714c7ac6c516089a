"""Taking rows from the queue, and giving them back or settling them.

Two things keep workers apart. The *lock*: a worker holds at most one project, by an advisory lock of its own
session, so that issues and counters of a project are written by one worker at a time. The *lease*: each
taking marks the rows with a new id, and the transaction that has their effect deletes them only while that id
still stands. A worker that lost its connection (and with it the lock) finds another's lease there, and its
effect is rolled back. So the lock is for peace, and the lease for truth.

Because the lock is the session's, a pooler between worker and PostgreSQL must be in session mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import Error, transaction

from environments import clock
from environments.ids import uuid7
from environments.tenancy import guard, sql
from errortracking.models import slots
from errortracking.models.partitions import utc_day
from errortracking.models.payload import unpacked_size

BATCH_EVENTS = 250  # a few tenths of a second of work: that long are turns, and that much repeats a kill
BATCH_BYTES = 2 * 1024 * 1024  # compressed, as the queue knows it; real exceptions expand to ten times as much
EXPANDED_BYTES = 16 * 1024 * 1024  # a client may compress nothing a thousandfold; Python objects take ten times this
BATCH_ROWS = 250  # requests of one event are the rule; more than BATCH_EVENTS cannot be taken anyway
MAX_ATTEMPTS = 3  # a row taken more often is processed alone: three times its worker, or its session, has died
LOOK_AHEAD = 1_000  # requests per project that make the order of turns; to count all would be to read the backlog
_LOCK_CLASS = 0x48545057  # "HTPW": first half of a project's advisory lock; the second is the project's id
_MOST_ATTEMPTS = 32_000  # the column holds 32767


class LeaseLost(Exception):
    """Another worker has taken these rows: what this one did must not be committed."""


class Waiting(NamedTuple):
    """A project with rows to be processed. ``bytes`` stops at the first `LOOK_AHEAD` requests."""

    environment_id: int
    bytes: int


class Row(NamedTuple):
    """A leased row of the queue."""

    id: UUID
    received_at: datetime
    events: int
    attempts: int
    isolated: bool
    poison: list[int]
    payload: bytes
    waits_until: datetime | None = None
    """For source maps; None where it has not waited for any."""

    @property
    def alone(self) -> bool:
        """Whether it is to be processed alone, event by event."""
        return self.isolated or self.attempts > MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Leased:
    """Rows of one project that carry this lease."""

    environment_id: int
    lease: UUID
    rows: Sequence[Row]

    def only(self, rows: Iterable[Row]) -> Leased:
        """Return the same lease over some of its rows."""
        return Leased(self.environment_id, self.lease, list(rows))

    def split(self) -> tuple[Leased, Leased]:
        """Return the rows that are processed in one turn, at least one and at most `EXPANDED_BYTES`, and the others."""
        size = 0
        for place, row in enumerate(self.rows):
            size += unpacked_size(row.payload)
            if size > EXPANDED_BYTES and place:
                return self.only(self.rows[:place]), self.only(self.rows[place:])
        return self, self.only([])

    @property
    def ids(self) -> list[UUID]:
        """The rows' ids."""
        return [row.id for row in self.rows]

    @property
    def events(self) -> int:
        """How many events the rows hold."""
        return sum(row.events for row in self.rows)

    @property
    def bytes(self) -> int:
        """The length of the rows' payloads."""
        return sum(len(row.payload) for row in self.rows)

    @property
    def days(self) -> set[date]:
        """The UTC days of receipt."""
        return {utc_day(row.received_at) for row in self.rows}


# Walks the primary key from project to project (PostgreSQL does not skip equal values by itself).
_WAITING = """
    WITH RECURSIVE project(environment_id) AS (
        (SELECT environment_id FROM errortracking_queuedrequest ORDER BY environment_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT q.environment_id FROM errortracking_queuedrequest q
            WHERE q.environment_id > project.environment_id ORDER BY q.environment_id LIMIT 1
        ) FROM project WHERE project.environment_id IS NOT NULL
    )
    SELECT project.environment_id, waiting.bytes
    FROM project CROSS JOIN LATERAL (
        SELECT sum(bytes)::bigint AS bytes FROM (
            SELECT q.bytes FROM errortracking_queuedrequest q
            WHERE q.environment_id = project.environment_id AND (q.not_before IS NULL OR q.not_before <= %(now)s)
            ORDER BY q.id LIMIT %(look_ahead)s
        ) AS first
    ) AS waiting
    WHERE waiting.bytes IS NOT NULL
    ORDER BY waiting.bytes DESC
"""


def waiting() -> list[Waiting]:
    """Return the projects that have something to process now, most bytes first.

    Each gets one batch a round, so none starves; the heaviest goes first, so that with several workers the
    others pass by it.
    """
    with guard.maintenance("which project is next"), sql.cursor() as cursor:
        rows = cursor.execute(_WAITING, {"now": clock.now(), "look_ahead": LOOK_AHEAD}).fetchall()
    return [Waiting(*row) for row in rows]


@contextmanager
def hold(environment_id: int) -> Iterator[bool]:
    """Hold the project for the length of the block; yields whether it was free. Any exception inside lets it go too."""
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, environment_id])
        (held,) = cursor.fetchone() or (False,)
    try:
        yield held
    finally:
        if held:
            _let_go(environment_id)


@contextmanager
def hold_patiently(environment_id: int) -> Iterator[None]:
    """Hold the project for the length of the block, as soon as nobody else does: workers let go after each batch."""
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_CLASS, environment_id])
    try:
        yield
    finally:
        _let_go(environment_id)


def _let_go(environment_id: int) -> None:
    # An error here means that the connection is gone, and then so is the lock.
    with suppress(Error), sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, environment_id])


# The ids as an array and not as a join: with statistics of a queue that was empty a minute ago, PostgreSQL joins by
# reading the whole queue.
_TAKE = """
    WITH first AS (
        SELECT id, bytes, events FROM errortracking_queuedrequest
        WHERE environment_id = %(environment)s AND (not_before IS NULL OR not_before <= %(now)s)
        ORDER BY id LIMIT %(rows)s
    ), running AS (
        SELECT id, row_number() OVER so_far AS place, sum(bytes) OVER so_far AS bytes, sum(events) OVER so_far AS events
        FROM first WINDOW so_far AS (ORDER BY id)
    )
    UPDATE errortracking_queuedrequest q
    SET attempts = least(q.attempts + 1, %(most)s), lease = %(lease)s, leased_at = %(now)s
    WHERE q.environment_id = %(environment)s AND q.id = ANY (ARRAY(
        SELECT id FROM running WHERE place = 1 OR (bytes <= %(max_bytes)s AND events <= %(max_events)s)
    ))
    RETURNING q.id, q.received_at, q.events, q.attempts, q.isolated, q.poison, q.payload,
        q.waits_until
"""


def take(environment_id: int) -> Leased:
    """Lease the oldest rows of a project that the caller holds, as many as make a batch, and return them oldest first.

    Rows that carry a lease are taken too: who left it there does not hold the project any more. At least one
    row is taken where there is one, however large. Parked rows wait.
    """
    lease = uuid7()
    parameters = {
        "environment": environment_id,
        "now": clock.now(),
        "lease": lease,
        "rows": BATCH_ROWS,
        "max_bytes": BATCH_BYTES,
        "max_events": BATCH_EVENTS,
        "most": _MOST_ATTEMPTS,
    }
    with transaction.atomic(), sql.cursor() as cursor:
        rows = cursor.execute(_TAKE, parameters, binary=True).fetchall()
    return Leased(environment_id, lease, sorted(map(Row._make, rows), key=lambda row: row.id))


def settle(leased: Leased) -> None:
    """Delete the rows, in the transaction of their effect. Raises `LeaseLost` if any of them has another lease."""
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_queuedrequest WHERE environment_id = %s AND id = ANY(%b) AND lease = %s",
            [leased.environment_id, leased.ids, leased.lease],
        )
        if cursor.rowcount != len(leased.rows):
            raise LeaseLost(
                f"{len(leased.rows) - cursor.rowcount} of {len(leased.rows)} rows were taken by another worker"
            )


def isolate(leased: Leased) -> None:
    """Mark the rows to be processed alone the next time."""
    _update(leased, "isolated = true", [])


def park(leased: Leased, delay: timedelta, *, is_attempt: bool = False) -> None:
    """Let the rows wait for ``delay``. The taking counts as an attempt only if told so: they were not the reason.

    They move to the slot that is in use: a row that fails again and again must not keep a slot from being truncated.
    """
    attempts = "attempts" if is_attempt else "greatest(attempts - 1, 0)"
    _update(leased, f"attempts = {attempts}, not_before = %s, slot = %s", [clock.now() + delay, slots.current()])


def give_back(leased: Leased) -> None:
    """Leave the rows as they were before they were taken."""
    _update(leased, "attempts = greatest(attempts - 1, 0), lease = NULL, leased_at = NULL", [])


def poison(leased: Leased, place: int) -> None:
    """Remember that the event at ``place`` of the rows' requests ended the process that handled it."""
    _update(leased, "poison = array_append(poison, %s)", [place])


def _update(leased: Leased, assignments: str, parameters: list[object]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            f"UPDATE errortracking_queuedrequest SET {assignments}"  # noqa: S608  # ours
            " WHERE environment_id = %s AND id = ANY(%b) AND lease = %s",
            [*parameters, leased.environment_id, leased.ids, leased.lease],
        )


def project_exists(environment_id: int) -> bool:
    """Return whether the project lives, and keep its row from going until the transaction ends."""
    with sql.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM environments_project WHERE id = %s AND deleted_at IS NULL FOR KEY SHARE", [environment_id]
        )
        return cursor.fetchone() is not None
