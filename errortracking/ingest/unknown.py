"""Which tokens of no project SDKs report with, so that an operator finds the SDK whose token is wrong.

Requests are counted in each process's memory and brought to the database by one statement every ten seconds at most,
by a request that is refused anyhow: an accepted one does nothing for it. What is counted since then waits for the next
refused request. Bounded in memory and in the table; somebody who tries tokens pushes out others who were seen once, and
none that came again and again.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import structlog
from django.conf import settings
from django.db import Error

from environments import clock
from environments.tenancy import sql
from errortracking.models.unknown_tokens import MAX_ROWS, RECENT_DAYS

log = structlog.get_logger("healthtrack.ingest")

INTERVAL: Final = 10.0  # seconds between two statements of a process
MAX_SEEN: Final = 100
"""Tokens between two statements; the requests of others are only in the metric."""
_SHOWN: Final = 8  # characters of a token, and at most half of it


@dataclass(slots=True)
class _Seen:
    first: datetime
    last: datetime
    requests: int


_seen: dict[str, _Seen] = {}
_due = 0.0  # of `time.monotonic`
_lock = Lock()


def note(token: str) -> None:
    """Count a request with this token of no project, in memory."""
    now = clock.now()
    with _lock:
        if seen := _seen.get(token):
            seen.last = now
            seen.requests += 1
        elif len(_seen) < MAX_SEEN:
            _seen[token] = _Seen(now, now, 1)


def flush() -> None:
    """Bring what was counted to the database, unless that was done in the last ten seconds. Raises nothing.

    Where the database does not take it, it is tried again with what comes until then.
    """
    global _due
    with _lock:
        now = time.monotonic()
        if not _seen or now < _due:
            return
        _due = now + INTERVAL
        taken = dict(_seen)
        _seen.clear()
    try:
        _store(taken)
    except Error as error:
        log.warning("unknown tokens were not stored", error=str(error).partition("\n")[0])
        _put_back(taken)
        return
    log.warning(
        "requests with tokens of no project",
        requests=sum(seen.requests for seen in taken.values()),
        different=len(taken),
        digests=[digest(token) for token in list(taken)[:5]],
    )


def forget() -> None:
    """Forget what was counted, and when it was stored last (for tests)."""
    global _due
    with _lock:
        _seen.clear()
        _due = 0.0


def digest(token: str) -> str:
    """Return what stands for a token in logs and in the table: nobody without the server's secret can try tokens."""
    return hmac.new(settings.SECRET_KEY.encode(), token.encode(), hashlib.sha256).hexdigest()[:32]


def masked(token: str) -> str:
    """Return how a token begins: 8 characters, never more than half of it."""
    shown = token[: min(_SHOWN, len(token) // 2)]
    return "".join(letter if letter.isprintable() else "?" for letter in shown) + "…"


def _put_back(taken: dict[str, _Seen]) -> None:
    with _lock:
        for token, seen in taken.items():
            if newer := _seen.get(token):
                newer.first = seen.first
                newer.requests += seen.requests
            elif len(_seen) < MAX_SEEN:
                _seen[token] = seen


# Beside those of this statement as many rows stay as there is room for: first those that came again and again and not
# long ago, then the latest. Rows that another process is about to write are left to the next statement: so nobody waits
# with rows of its own for another's.
_STORE: Final = """
    WITH new AS (
        SELECT * FROM unnest(%(digests)b::text[], %(prefixes)b::text[], %(firsts)b::timestamptz[],
                             %(lasts)b::timestamptz[], %(requests)b::bigint[])
            AS new(digest, prefix, first_seen, last_seen, requests)
    ), surplus AS (
        SELECT t.digest FROM errortracking_unknowntoken t
        WHERE t.digest IN (
            SELECT o.digest FROM errortracking_unknowntoken o
            WHERE NOT EXISTS (SELECT FROM new WHERE new.digest = o.digest)
            ORDER BY (o.requests > 1 AND o.last_seen >= %(since)b) DESC, o.last_seen DESC, o.digest
            OFFSET %(room)b
        )
        FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM errortracking_unknowntoken t USING surplus WHERE t.digest = surplus.digest
    )
    INSERT INTO errortracking_unknowntoken AS t (digest, prefix, first_seen, last_seen, requests)
    SELECT * FROM new ORDER BY digest
    ON CONFLICT (digest) DO UPDATE
    SET last_seen = greatest(t.last_seen, excluded.last_seen), requests = t.requests + excluded.requests
"""


def _store(taken: dict[str, _Seen]) -> None:
    rows = {digest(token): (masked(token), seen) for token, seen in taken.items()}
    parameters = {
        "digests": list(rows),
        "prefixes": [prefix for prefix, _ in rows.values()],
        "firsts": [seen.first for _, seen in rows.values()],
        "lasts": [seen.last for _, seen in rows.values()],
        "requests": [seen.requests for _, seen in rows.values()],
        "since": clock.now() - timedelta(days=RECENT_DAYS),
        "room": max(MAX_ROWS - len(rows), 0),
    }
    with sql.cursor() as cursor:
        cursor.execute(_STORE, parameters)
