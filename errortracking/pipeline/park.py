"""Requests that wait until the source maps of their scripts have been fetched, so that their events group right.

The first events of a new script are the ones that make its issues; processed without the map they would make others
than the next. They wait `LONGEST_WAIT` at most: a slow server must not hold events back for longer. What is fetched
later than that is put into their frames afterwards (`resolve_again`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from environments.tenancy import sql
from errortracking.models import slots
from errortracking.pipeline.lease import Leased
from errortracking.symbols import lookup_rows, wishes

LONGEST_WAIT: Final = timedelta(seconds=40)  # 5 s to connect and 30 s for a script and its map, and some to be queued

_PARK: Final = """
    UPDATE errortracking_queuedrequest q
    SET attempts = greatest(q.attempts - 1, 0), slot = %(slot)s,
        waits_until = coalesce(q.waits_until, %(until)s), not_before = coalesce(q.waits_until, %(until)s),
        waits_for = ARRAY(SELECT jsonb_array_elements_text(new.urls::jsonb))
    FROM unnest(%(ids)b::uuid[], %(urls)b::text[]) AS new(id, urls)
    WHERE q.environment_id = %(environment)s AND q.id = new.id AND q.lease = %(lease)s
"""


def park(leased: Leased, wanted: Mapping[UUID, Collection[str]], now: datetime) -> set[UUID]:
    """Ask for scripts to be fetched and let rows wait for them; ``wanted`` are the scripts of each row, by its id.

    Returns the rows that wait. The others want only what is not going to be fetched: there is too much already.
    """
    environment_id = leased.environment_id
    with transaction.atomic():
        coming = wishes.fetch(environment_id, {url for urls in wanted.values() for url in urls})
        waiting = {id_: sorted(coming.intersection(urls)) for id_, urls in wanted.items() if coming.intersection(urls)}
        parameters = {
            "environment": environment_id,
            "lease": leased.lease,
            "slot": slots.current(),
            "until": now + LONGEST_WAIT,
            "ids": list(waiting),
            "urls": [orjson.dumps(urls).decode() for urls in waiting.values()],
        }
        with sql.cursor() as cursor:
            cursor.execute(_PARK, parameters)
    # What was fetched while this was written has woken nobody. A set is saved before its waiters are woken, so it is
    # either seen here, or its waiters are seen there.
    for url in lookup_rows.read(environment_id, coming):
        wake(environment_id, url)
    return set(waiting)


_WAKE: Final = """
    UPDATE errortracking_queuedrequest SET
        waits_for = array_remove(waits_for, %(url)s),
        not_before = CASE WHEN waits_for <@ ARRAY[%(url)s]::text[] THEN NULL ELSE not_before END
    WHERE environment_id = %(environment)s AND waits_for @> ARRAY[%(url)s]::text[]
"""


def wake(environment_id: int, url: str) -> None:
    """Let the rows go on that waited for this script alone."""
    with sql.cursor() as cursor:
        cursor.execute(_WAKE, {"environment": environment_id, "url": url})
