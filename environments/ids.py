"""Ids: UUID version 7, made here and not by PostgreSQL, whose ``uuidv7()`` needs version 18."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from environments import clock

_COUNTER_BITS: Final = 20
_RANDOM_BITS: Final = 62 - _COUNTER_BITS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_counter: Final = count(secrets.randbits(_COUNTER_BITS))


def uuid7(at: datetime | None = None) -> UUID:
    """Return a new UUIDv7 of the moment ``at`` (default: now), which sorts after those made before it.

    Layout: RFC 9562, section 5.7: 48 bits of milliseconds, then the fraction of the millisecond in the 12 bits of
    ``rand_a`` (section 6.2, method 3), so that ids of several processes sort by their moment to the microsecond. Then
    20 bits of a counter of this process (method 1; ``next`` of `itertools.count` is one step for threads too), so that
    ids of one moment sort in the order in which they were made, and 42 random bits. The counter starts at random and
    comes round after a million ids, and only two ids of one moment that stand on both sides of that are out of order.
    Ids are no secrets here; what must not be guessed has a key.
    """
    milliseconds, fraction = divmod(((at or clock.now()) - _EPOCH) // _MICROSECOND, 1000)
    low = (next(_counter) & ((1 << _COUNTER_BITS) - 1)) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    high = (fraction << 12) // 1000
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def moment_of(id_: UUID) -> datetime:
    """Return the moment that a UUIDv7 holds, to the millisecond, in UTC."""
    return _EPOCH + timedelta(milliseconds=id_.int >> 80)
