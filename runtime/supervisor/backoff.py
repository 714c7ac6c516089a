"""How long to wait before a process that died is started again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
RAN_WELL_SECONDS = 5.0  # it takes 1 to 2 s to load; what lived longer was at work, and is wanted back at once


@dataclass
class Backoff:
    """Doubles the pause at each early death, up to a limit, and forgets them once the process has run well."""

    early_deaths: int = 0

    def after_death(self, lived_seconds: float) -> float:
        """Return the seconds to wait before the next start of a process that lived for ``lived_seconds``."""
        self.early_deaths = 0 if lived_seconds >= RAN_WELL_SECONDS else self.early_deaths + 1
        # The exponent is bounded as well: 2.0 ** 1100 would raise, and a broken process reaches that in a day.
        doublings = min(max(self.early_deaths - 1, 0), 10)
        return min(FIRST_SECONDS * 2.0**doublings, LONGEST_SECONDS)
