"""When an event happened, in the server's time; what cannot be read or cannot be true becomes the time of receipt."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# Nothing that sends exceptions is older; such a time is a clock that never was set, or no time at all. It
# also keeps clear of the calendar's beginning, where a change of zone leaves what Python can hold.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Clocks and time zones are wrong by hours, not by days; from here on it is a mistake, not a zone.
FUTURE = timedelta(hours=23)
# From this number on an epoch is in milliseconds: as seconds it would be the year 5138, as milliseconds March
# 1973.
_MILLISECONDS_FROM = 100_000_000_000
# Seconds or milliseconds as digits: eight are a date of ISO 8601. Ingest keeps a JSON number as its text, and Python's
# time.time() has a fraction.
_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,20})?", re.ASCII)


def effective(received_at: datetime, timestamp: object, sent_at: object = None, offset: object = None) -> datetime:
    """Return the moment of an event, in UTC, within what Python and PostgreSQL can hold.

    ``received_at`` (with a zone) is the server's clock. ``timestamp`` and ``sent_at`` are of the client's
    clock, so that ``sent_at − timestamp`` is right whatever that clock says, and is taken off
    ``received_at``. Without ``sent_at`` the timestamp is believed. ``offset`` (milliseconds before receipt,
    older SDKs) outvotes both. A result before 1970 or more than 23 hours after ``received_at`` becomes
    ``received_at``.
    """
    received_at = received_at.astimezone(UTC)
    moment, sent = read(timestamp), read(sent_at)
    try:
        if isinstance(offset, int | float) and not isinstance(offset, bool):
            moment = received_at - timedelta(milliseconds=offset)
        elif moment is not None and sent is not None:
            moment = received_at - (sent - moment)
    except (OverflowError, ValueError):  # out of the calendar; NaN
        return received_at
    if moment is None or moment < EARLIEST or moment - received_at > FUTURE:
        return received_at
    return moment


def read(value: object) -> datetime | None:
    """Return a moment, None if it is unreadable.

    Read are ISO 8601 (without a zone: UTC) and seconds or milliseconds since 1970, as a number or its digits.
    """
    try:
        if isinstance(value, str):
            text = value.strip()
            if _NUMBER.fullmatch(text):
                return _epoch(float(text) if "." in text else int(text))
            moment = datetime.fromisoformat(text.upper())
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value)
    except (ValueError, OverflowError, OSError):  # fromtimestamp lets the platform's own error through
        pass
    return None


def _epoch(number: float) -> datetime:
    seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    return datetime.fromtimestamp(seconds, UTC)
