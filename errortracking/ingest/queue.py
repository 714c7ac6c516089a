"""The one INSERT that makes an accepted request ours."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.ingest.refusal import unknown_token
from errortracking.ingest.wire import Accepted
from errortracking.models import payload, slots

# Written out because the ORM's way to the same statement takes five times as long as the statement, and prepared
# because Django's cursor writes the payload into the text of the statement. The columns of the lease stay at what a row
# has that nobody took yet. It looks whether the project lives, by its primary key: other processes remember a token for
# some seconds after its project was deleted (`errortracking.ingest.tokens`).
_INSERT: Final = """
    INSERT INTO errortracking_queuedrequest
        (environment_id, id, received_at, slot, events, bytes, payload, attempts, isolated, poison)
    SELECT id, %s, %s, %s, %s, %s, %s, 0, FALSE, '{}' FROM environments_project WHERE id = %s AND deleted_at IS NULL
"""


def enqueue(
    environment_id: int, accepted: Accepted, *, received_at: datetime, ip: str | None, user_agent: str | None
) -> int:
    """Store an accepted request; when this returns it is committed (outside of a transaction of the caller's).

    Returns how many bytes its payload takes. Raises ``Refused`` (401) where the project has just been deleted.

    One statement in autocommit. Nobody is notified and no shared row is touched: a NOTIFY in each accepting
    transaction halves the commits per second, a counter row per project does worse; workers poll. Raises
    ``django.db.Error`` when the database cannot take it.
    """
    content: payload.Payload = {
        "v": payload.VERSION,
        "events": accepted.events,
        "sent_at": accepted.sent_at,
        "received_at": received_at.isoformat(),
        "ip": ip,
        "user_agent": user_agent,
    }
    if accepted.historical_migration:
        content["historical_migration"] = True
    packed = payload.pack(content)
    with sql.cursor(prepared=True) as cursor:
        cursor.execute(
            _INSERT,
            (
                uuid7(received_at),
                received_at,
                slots.of(received_at),
                len(accepted.events),
                len(packed),
                packed,
                environment_id,
            ),
        )
        if not cursor.rowcount:
            raise unknown_token()
    return len(packed)
