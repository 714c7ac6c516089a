"""Events that could not be processed: kept with their reason, where operators see them and can try them again."""

from __future__ import annotations

from collections import Counter

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import Outcome, payload
from errortracking.pipeline import lease, ledger
from errortracking.pipeline.batch import Accepted, OutcomeKey
from errortracking.pipeline.clean import cut, storable
from errortracking.pipeline.count import add_outcomes
from errortracking.pipeline.lease import Leased

DIED = "ProcessDied"
UNREADABLE = "Unreadable"
MAX_REASON = 2_000  # bytes; a database error may quote what it was given

_INSERT = """
    INSERT INTO errortracking_setasideevent (environment_id, id, event_uuid, received_at, reason, payload, created_at)
    VALUES (%s, %s, %s, %s, %s, %b, %s)
"""


def reason_of(error: BaseException) -> str:
    """Return the reason of an error: its kind, a colon, its text."""
    return f"{type(error).__name__}: {error}"


def kind(reason: str) -> str:
    """Return what a reason is counted as: the part before the colon, of which there are few."""
    return reason.partition(":")[0]


def set_aside(environment_id: int, event: Accepted, reason: str) -> Outcome:
    """Set one event aside and count it, in the caller's transaction; ``DUPLICATE`` if it was accepted before."""
    if event.is_exception and not ledger.enter(environment_id, [event]):
        event.outcome = Outcome.DUPLICATE
    else:
        event.outcome, event.reason = Outcome.SET_ASIDE, kind(reason)
        packed = payload.pack({**event.request, "events": [event.entry]})
        _insert(environment_id, event.uuid, event.received_at, reason, packed)
    add_outcomes(environment_id, Counter({(event.day, event.outcome, event.reason): 1}))
    return event.outcome


def set_aside_whole(leased: Leased, reason: str) -> Counter[OutcomeKey]:
    """Set aside rows that cannot be taken apart into events, and settle them; returns the outcomes counted.

    Each becomes one set-aside «event» under the row's own id, counted as many times as the row holds events.
    """
    counts: Counter[OutcomeKey] = Counter()
    for row in leased.rows:
        _insert(leased.environment_id, row.id, row.received_at, reason, row.payload)
        (day,) = leased.only([row]).days
        counts[day, Outcome.SET_ASIDE, kind(reason)] += row.events
    add_outcomes(leased.environment_id, counts)
    lease.settle(leased)
    return counts


def _insert(environment_id: int, uuid: object, received_at: object, reason: str, packed: bytes) -> None:
    text = cut(storable(reason), MAX_REASON)
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, [environment_id, uuid7(), uuid, received_at, text, packed, clock.now()])
