"""The one clock: web, worker and schedules ask here what time it is, and tests can set it.

No ``now()`` stands in SQL and no ``auto_now`` in models, so a test (or a rehearsal of a week) moves all processes at
once: ``HEALTHTRACK_CLOCK_FILE`` names a file that holds an offset in seconds, read anew at each question. Without it
the clock is the machine's. ``time.monotonic`` stays right for measuring durations; this clock is for moments that
are stored or compared with stored ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

_fixed: datetime | None = None
_file = os.environ.get("HEALTHTRACK_CLOCK_FILE")


def now() -> datetime:
    """Return the current moment, with the UTC time zone."""
    if _fixed is not None:
        return _fixed
    return datetime.fromtimestamp(time.time() + (_offset(_file) if _file else 0.0), UTC)


def may_jump() -> bool:
    """Return whether this clock can be moved at any time: who waits for a moment must look again and again."""
    return _file is not None


def iso(moment: datetime) -> str:
    """Return how JSON shows a moment with a time zone: ISO 8601 in UTC, which is spelled ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _offset(path: str) -> float:
    try:
        return float(Path(path).read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return 0.0  # the file is being written: the machine's own time is the safe answer


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Stop this process's clock at ``moment`` (with a time zone) for the length of the block; for tests."""
    global _fixed
    before, _fixed = _fixed, moment.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before
