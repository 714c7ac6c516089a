"""Processing one row event by event, in one transaction with a savepoint for each event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import structlog
from django.db import connection, transaction

from environments.tenancy import sql
from errortracking.models import payload
from errortracking.pipeline import lease, session, set_aside
from errortracking.pipeline.alone.protocol import Report, Task
from errortracking.pipeline.batch import Accepted, Batch, OutcomeKey, accepted
from errortracking.pipeline.lease import Leased, Row
from errortracking.pipeline.process import process
from errortracking.pipeline.symbolicate import ask_later
from errortracking.pipeline.transient import is_transient

log = structlog.get_logger(__name__)

# Deaths at the same event before it is blamed: one may be the kernel's, short of memory, or an operator's.
DEATHS_TO_BLAME = 2
MAX_DEATHS = 20  # per row: a request of a thousand fatal events must not start a thousand children
WHOLE = -1  # among a row's fatal places: the row itself, which ended the process before its first event


def process_row(environment_id: int, lease_id: UUID, task: Task, begin: Callable[[int], None]) -> Report:
    """Process one row and settle it; ``begin`` is told the place of each event before it is looked at.

    What raises is set aside. Nothing is raised: the report says how it went.
    """
    try:
        if connection.connection is None:
            session.prepare()
        with transaction.atomic():
            leased = _load(environment_id, lease_id, UUID(task["row"]))
            limited: Counter[str] = Counter()
            outcomes = _process(leased, task["deaths"], begin, limited)
    except lease.LeaseLost:
        return {"kind": "lost"}
    except Exception as error:
        if is_transient(error):
            connection.close()
            return {"kind": "transient", "text": set_aside.reason_of(error)}
        log.exception("a row could not even be set aside", environment_id=environment_id, row=task["row"])
        return {"kind": "failed", "text": set_aside.reason_of(error)}
    return {"kind": "done", "outcomes": dict(outcomes), "limited": dict(limited)}


_LOAD = """
    SELECT id, received_at, events, attempts, isolated, poison, payload FROM errortracking_queuedrequest
    WHERE environment_id = %s AND id = %s AND lease = %s FOR UPDATE
"""


def _load(environment_id: int, lease_id: UUID, row_id: UUID) -> Leased:
    with sql.cursor() as cursor:
        found = cursor.execute(_LOAD, [environment_id, row_id, lease_id], binary=True).fetchone()
    if found is None:
        raise lease.LeaseLost(f"row {row_id} was taken by another worker")
    return Leased(environment_id, lease_id, [Row(*found)])


def _process(
    leased: Leased, deaths: dict[str, str], begin: Callable[[int], None], limited: Counter[str]
) -> Counter[str]:
    (row,) = leased.rows
    if not lease.project_exists(leased.environment_id):
        raise lease.LeaseLost("the project was deleted")  # the next worker that takes the row drops it
    try:
        events = accepted(payload.unpack(row.payload), row.received_at)
    except Exception as error:  # bytes that are no payload, or more than the memory holds
        whole = set_aside.set_aside_whole(leased, f"{set_aside.UNREADABLE}: {set_aside.reason_of(error)}")
        return _by_outcome(whole)
    outcomes: Counter[str] = Counter()
    for place, event in enumerate(events):
        begin(place)
        outcomes[_process_event(leased.environment_id, event, _death(row, place, deaths), limited)] += 1
    lease.settle(leased)
    return outcomes


def _by_outcome(counts: Counter[OutcomeKey]) -> Counter[str]:
    result: Counter[str] = Counter()
    for (_, outcome, _), count in counts.items():
        result[outcome.value] += count
    return result


def _death(row: Row, place: int, deaths: dict[str, str]) -> str | None:
    """Return why the event at ``place`` must not be tried again, or None."""
    if row.poison.count(place) >= DEATHS_TO_BLAME:
        return f"{set_aside.DIED}: {deaths.get(str(place), 'the process that handled it ended')}"
    if len(row.poison) >= MAX_DEATHS:
        return f"{set_aside.DIED}: processes that handled its request ended {MAX_DEATHS} times"
    return None


def _process_event(environment_id: int, event: Accepted, death: str | None, limited: Counter[str]) -> str:
    if death is None:
        batch = Batch(environment_id, [event])
        try:
            with transaction.atomic():
                process(batch)
                ask_later(batch)  # not here: the map of a frame may take more time and memory than an event is allowed
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("event set aside", environment_id=environment_id, uuid=str(event.uuid), exc_info=True)
            death = set_aside.reason_of(error)
        else:
            limited.update(batch.limited)
            return str(event.outcome)
    fresh = Accepted(event.uuid, event.entry, event.request, event.received_at)
    return str(set_aside.set_aside(environment_id, fresh, death))
