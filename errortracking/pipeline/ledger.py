"""Stage: a uuid that was accepted before has no effect a second time."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.pipeline.batch import Accepted, Batch

# SDKs send again what they are not sure about: after a timeout the server may well have committed. Only
# exceptions pass here. Counted events could too, and their counts would be exact instead of nearly so, but
# there are fifty times as many of them, and a row and two index entries each is more than a count of page
# views is worth.
_INSERT = """
    INSERT INTO errortracking_eventledger (environment_id, uuid, received_at)
    SELECT %(environment)s, new.uuid, new.received_at
    FROM unnest(%(uuids)b::uuid[], %(received)b::timestamptz[]) AS new(uuid, received_at)
    ON CONFLICT (environment_id, uuid) DO NOTHING
    RETURNING uuid
"""


def drop_duplicates(batch: Batch) -> None:
    """Enter the batch's exceptions into the ledger; end those that stand there already, or twice in the batch.

    Before anything else is done with an exception: a duplicate must not reopen an issue, use up a limit or be counted
    as anything else.
    """
    if not batch.live:
        return
    firsts = {event.uuid: event for event in reversed(batch.live)}
    new = enter(batch.environment_id, firsts.values())
    again = [event for event in batch.live if event.uuid not in new or firsts[event.uuid] is not event]
    batch.end(again, Outcome.DUPLICATE)


def enter(environment_id: int, events: Iterable[Accepted]) -> set[UUID]:
    """Enter events of different uuids into the ledger, and return the uuids that were new to it."""
    rows = sorted(events, key=lambda event: event.uuid)  # one order for everybody: no deadlocks
    parameters = {
        "environment": environment_id,
        "uuids": [event.uuid for event in rows],
        "received": [event.received_at for event in rows],
    }
    with sql.cursor() as cursor:
        return {uuid for (uuid,) in cursor.execute(_INSERT, parameters).fetchall()}
