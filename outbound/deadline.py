"""A moment by which something has to be over, on the clock that nobody sets."""

from __future__ import annotations

import time


class Deadline:
    """``seconds`` from now. It is asked before each single wait, so that drops that come in time add up to no more."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then; 0 or less when it is over."""
        return self._end - time.monotonic()

    def wait(self, parts: int = 1) -> float:
        """Return how many seconds the next wait may take, where ``parts`` more are to come; ``TimeoutError`` if none
        are left."""
        left = self.left
        if left <= 0:
            raise TimeoutError
        return left / parts

    def within(self, seconds: float) -> Deadline:
        """Return the earlier one of this and ``seconds`` from now."""
        return Deadline(min(seconds, self.left))
