"""480 requests a minute and 4800 an hour with each key, in whichever process and on whichever machine (contract 1.5).

The arithmetic and why it holds stand in `environments.api.buckets`; here are the clock, the threads and the row. A
process changes the row by comparing and swapping: one statement that commits by itself, writes the next state if the
row is still the one that it was made from, and otherwise brings the row. So no lock is held while Python computes or a
client vanishes, and a key that one process serves needs one statement for each lease.
"""

from __future__ import annotations

import math
import random
import secrets
import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError
from rest_framework.throttling import BaseThrottle

from environments import clock
from environments.api import buckets
from environments.api.access import KeyGrant
from environments.api.buckets import SECOND, Holder, State, Window
from environments.tenancy import sql

MINUTE: Final = 60 * SECOND
HOUR: Final = 3600 * SECOND
MAX_KEYS: Final = 10_000
"""Keys that a process remembers; one that falls out leaves its last lease unreported, which costs its slack."""

PATIENCE_SECONDS: Final = 5.0
"""How long a thread waits for another one that asks for the same key, before it answers 503."""

_ATTEMPTS: Final = 100
"""Each lost one means that another process got its tokens, and the limits let them do that only so often."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class KeyThrottle(BaseThrottle):
    """Counts requests that a key has authenticated, wherever it stood; those of sessions are not counted."""

    _wait: int | None = None

    def allow_request(self, request: Any, view: Any) -> bool:
        """Return whether the request is within the limits of its key."""
        if not isinstance(request.auth, KeyGrant) or not settings.RATE_LIMITS:
            return True
        self._wait = wait(request.auth.id)
        return self._wait is None

    def wait(self) -> float | None:
        """Return the whole seconds of ``Retry-After``."""
        return self._wait


def wait(key_id: str) -> int | None:
    """Count a request with the key, now. Return ``None``, or where it is one too many when to come again: in seconds.

    Raises ``OperationalError`` where the database cannot say.
    """
    return _buckets.get(key_id).wait()


def windows() -> list[Window]:
    """Return the limits, the shorter window first."""
    return [Window(MINUTE, settings.RATE_LIMIT_PER_MINUTE), Window(HOUR, settings.RATE_LIMIT_PER_HOUR)]


def _now() -> int:
    return (clock.now() - _EPOCH) // _MICROSECOND


class _Bucket:
    """One key, as this process knows it."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._lock = threading.Lock()
        self._holder = Holder()
        self._revision = 0
        self._state = State()
        self._is_shared = False  # whether another process has lately changed the row

    def wait(self) -> int | None:
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            raise OperationalError("another request has been waiting for the row of the rate limits for seconds")
        try:
            now = _now()
            passes = self._holder.take(now)
            if passes is None:
                passes, now = self._ask()
            return None if passes else max(1, math.ceil((self._holder.again_at - now) / SECOND))
        finally:
            self._lock.release()

    def _ask(self) -> tuple[bool, int]:
        """Ask the row; return whether the request passes, and when that was."""
        report, lease_id = self._holder.report(), secrets.randbits(64)
        if self._is_shared:
            self._read()
        for attempt in range(_ATTEMPTS):
            now = _now()  # after the state was read, so that no time in it is later
            wanted = self._holder.wanted(now)
            answer = buckets.ask(self._state, now, report, wanted, lease_id, windows())
            if self._swap(answer.state):
                return self._holder.learn(answer, now), now
            if attempt > 2:
                time.sleep(random.uniform(0, 0.005))  # noqa: S311 - to fall out of step with a rival
        raise OperationalError(f"the row of the rate limits changed {_ATTEMPTS} times while it was to be changed")

    def _swap(self, state: State) -> bool:
        """Write the row's next state, or else learn its present one; return whether it was written."""
        revision = secrets.randbits(62) + 1
        with sql.cursor(prepared=True) as cursor:
            next_row: dict[str, Any] = {"next": revision, "state": buckets.dump(state), "at": clock.now()}
            cursor.execute(_SWAP, next_row | {"key": self._key_id, "known": self._revision})
            is_written, found, data = cursor.fetchone() or (False, None, None)
        if is_written:
            self._revision, self._state = revision, state
        else:
            self._learn(found, data)
        return bool(is_written)

    def _read(self) -> None:
        """Learn the row first: a swap that fails would lock it for nothing."""
        with sql.cursor(prepared=True) as cursor:
            found, data = cursor.execute(_READ, [self._key_id]).fetchone() or (None, None)
        self._is_shared = found != self._revision
        self._learn(found, data)

    def _learn(self, revision: int | None, data: bytes | None) -> None:
        # Without a row: it is just being inserted or was deleted, and no row's revision is 0.
        self._is_shared = self._is_shared or self._revision not in {0, revision}
        self._revision, self._state = revision or 0, buckets.load(bytes(data or b""))


_READ: Final = "SELECT revision, state FROM environments_ratelimit WHERE key_id = %s"

# Both parts see the table as it was before the statement.
_SWAP: Final = """
    WITH written AS (
        INSERT INTO environments_ratelimit AS present (key_id, revision, state, asked_at)
        VALUES (%(key)s, %(next)s, %(state)s, %(at)s)
        ON CONFLICT (key_id) DO UPDATE
        SET revision = EXCLUDED.revision, state = EXCLUDED.state, asked_at = EXCLUDED.asked_at
        WHERE present.revision = %(known)s
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM written), present.revision, present.state
    FROM (VALUES (1)) AS always
    LEFT JOIN environments_ratelimit present ON present.key_id = %(key)s
"""


class _Buckets:
    """The keys that this process has seen lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Bucket] = OrderedDict()

    def get(self, key_id: str) -> _Bucket:
        with self._lock:
            bucket = self._known.get(key_id)
            if bucket is None:
                bucket = self._known[key_id] = _Bucket(key_id)
                if len(self._known) > MAX_KEYS:
                    self._known.popitem(last=False)
            else:
                self._known.move_to_end(key_id)
            return bucket


_buckets = _Buckets()
