"""Stage: what fingerprints depend on frames that lack their symbol set is remembered.

When the set comes, the fingerprint that such an event would have then is added to its issue (`resolve_again`), so that
the next occurrence lands there.
"""

from __future__ import annotations

from environments.tenancy import sql
from errortracking.pipeline.batch import Accepted, Batch

# Joined with the frames' rows, and these kept from going: people delete symbol sets with their frames at any time.
_INSERT = """
    INSERT INTO errortracking_awaitedframe (environment_id, frame_id, fingerprint_id, event_id, received_at)
    SELECT f.environment_id, f.id, new.fingerprint_id, new.event_id, new.received_at
    FROM unnest(%(frames)b::uuid[], %(fingerprints)b::uuid[], %(events)b::uuid[], %(received)b::timestamptz[])
        AS new(frame_id, fingerprint_id, event_id, received_at)
    JOIN errortracking_stackframe f ON f.environment_id = %(environment)s AND f.id = new.frame_id
    ORDER BY f.id, new.fingerprint_id
    FOR KEY SHARE OF f
    ON CONFLICT (environment_id, frame_id, fingerprint_id) DO NOTHING
"""


def remember_awaited(batch: Batch) -> None:
    """Store, for each automatic fingerprint of the live exceptions, which frames it waits for, and the first event."""
    waiting = {reference.frame_id for reference in batch.frames.values() if reference.waits}
    if not waiting:
        return
    found: dict[tuple[object, object], Accepted] = {}
    for event in batch.live:
        if event.fingerprint is None or event.fingerprint.version is None:
            continue  # what the client or a rule says does not depend on frames
        for exception in event.parsed.exceptions:
            for frame in exception.frames:
                frame_id = batch.frames[frame.raw_id, frame.part].frame_id
                if frame_id in waiting:
                    found.setdefault((frame_id, event.fingerprint_id), event)
    parameters = {
        "environment": batch.environment_id,
        "frames": [frame_id for frame_id, _ in found],
        "fingerprints": [fingerprint_id for _, fingerprint_id in found],
        "events": [event.uuid for event in found.values()],
        "received": [event.received_at for event in found.values()],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
