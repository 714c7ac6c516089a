"""When a message is tried again, and when a destination is given a rest. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 40, 80, 160, 320, 640))
"""After each attempt that fails, how long until the next: twice as long each time, 21 hours together. A receiver that
restarts misses a minute, and one that is broken overnight gets its messages in the morning."""

PAUSE_AFTER: Final = 5
"""Attempts in a row that fail, of whatever messages, until the destination is left alone for a while."""
FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)


def next_attempt(attempts: int, now: datetime, expires_at: datetime) -> datetime | None:
    """Return when a message that has failed ``attempts`` times is tried again, ``None`` where no more."""
    if attempts > len(RETRIES):
        return None
    at = now + RETRIES[attempts - 1]
    return at if at <= expires_at else None


def pause(failures: int, now: datetime) -> datetime | None:
    """Return until when a destination rests after ``failures`` in a row, ``None`` where it need not.

    After the pause one message is tried. If it fails, too, the next pause is twice as long.
    """
    if failures < PAUSE_AFTER:
        return None
    doublings = min(failures - PAUSE_AFTER, 10)  # beyond that, the longest in any case
    return now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
