"""Ids: UUID version 7, made here and not by PostgreSQL, whose ``uuidv7()`` needs version 18."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from environments import clock


def uuid7(at: datetime | None = None) -> UUID:
    """Return a new UUIDv7 of the moment ``at`` (default: now): 48 bits of milliseconds, the rest random.

    Layout: RFC 9562, section 5.7. No counter within the millisecond: nothing here relies on the order of two ids made
    by one process in the same millisecond, and across processes a counter could not give it.
    """
    milliseconds = int((at or clock.now()).timestamp() * 1000)
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def moment_of(id_: UUID) -> datetime:
    """Return the moment that a UUIDv7 holds, to the millisecond, in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=id_.int >> 80)
