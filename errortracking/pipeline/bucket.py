"""The token bucket of rate limits (pipeline 2.11), as pure arithmetic over whole numbers.

A bucket holds at most ``value`` tokens and gains ``value`` of them, evenly, in ``minutes`` minutes. An event that finds
a whole token takes it and is admitted; the begun token is carried on. The clock counts whole seconds and never runs
backwards.

**Exact.** In a second a bucket gains ``value / (60 × minutes)`` tokens, so with a token cut into ``60 × minutes`` parts
it gains exactly ``value`` parts, and every state is two whole numbers: tokens and parts. Nothing is rounded, so a day
may be cut into any number of batches and they admit together what one would. Floats drift: ten tokens an hour are
0.00277… a second, and 360 additions of that make 0.999999999999997, so the token would come a second late.

**When the limit changes** while the bucket lives: the time until now has refilled it by the old limit. A raised value's
difference is there at once: who raises a limit because events are dropped does not want to wait for it. A lowered
value cuts what is beyond it, as if the bucket were new. The begun token keeps its share, rounded down. So a full
bucket is full again after any change, which is why one may be forgotten as soon as it is full, whatever will happen to
the limit. (Upstream lets a raise count for the refill alone, and forgets a bucket a day after its last use, full or
not.)
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """``value`` events in ``minutes`` minutes, both at least 1."""

    value: int
    minutes: int = DEFAULT_MINUTES

    @property
    def seconds(self) -> int:
        """How long an empty bucket takes to be full; also, of how many parts a token consists."""
        return self.minutes * 60


@dataclass(slots=True)
class Bucket:
    """The state of one bucket, full unless told otherwise. Moments are whole seconds since the epoch."""

    limit: Limit
    at: int
    tokens: int
    fraction: int = 0
    """The begun token, in parts of which `Limit.seconds` make one; 0 in a full bucket."""
    changed: bool = False
    """Whether it became what passing time alone would not have made of it, and so must be stored."""

    @classmethod
    def full(cls, limit: Limit, at: int) -> Bucket:
        """Return a new bucket."""
        return cls(limit, at, limit.value)

    def take(self, at: int) -> bool:
        """Refill up to second ``at``, take a token where there is a whole one, and return whether there was."""
        self.refill(at)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        self.changed = True
        return True

    def refill(self, at: int) -> None:
        """Add what the time up to second ``at`` brings; an earlier second than the last brings nothing."""
        if at <= self.at:
            return
        gained, fraction = divmod(self.fraction + (at - self.at) * self.limit.value, self.limit.seconds)
        self.at = at
        self._fill(self.tokens + gained, fraction)

    def adopt(self, limit: Limit) -> None:
        """Go on by another limit, from the second up to which the bucket has been refilled."""
        if limit == self.limit:
            return
        tokens = self.tokens + max(limit.value - self.limit.value, 0)
        fraction = self.fraction * limit.seconds // self.limit.seconds
        self.limit, self.changed = limit, True
        self._fill(tokens, fraction)

    def _fill(self, tokens: int, fraction: int) -> None:
        full = tokens >= self.limit.value
        self.tokens, self.fraction = (self.limit.value, 0) if full else (tokens, fraction)
