"""Which share of the events that a suppression rule matches it drops."""

from __future__ import annotations

from typing import Final
from uuid import UUID

SHARES: Final = 10_000
"""Into so many parts uuids are dealt: a rate has four decimals."""


def drawn(uuid: UUID, rate: float) -> bool:
    """Return whether ``uuid`` is among the share ``rate`` of events: always the same for the same uuid."""
    return uuid.int % SHARES < rate * SHARES
