"""What other configurations would have found: the counts of a range are replayed with the pipeline's own functions."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction

from errortracking.spikes.detect import Config, Spike, Team, replay, without_history
from errortracking.spikes.series import Budget, Series, Totals, hot

MOST_SPIKES: Final = 500
"""Of each configuration, the newest; all are counted. More than fits on a screen, and a configuration that finds more
is not one that anybody wants."""


@dataclass
class Replayed:
    """The spikes that one configuration finds."""

    config: Config
    count: int = 0
    _newest: list[tuple[int, int, int, Spike]] = field(default_factory=list)

    def see(self, issue: UUID, series: Series, team: Team, since: int) -> None:
        """Add the spikes of one issue."""
        for spike in replay(series, self.config, team, since):
            self.count += 1
            item = (spike.number, spike.value, issue.int, spike)
            if len(self._newest) < MOST_SPIKES:
                heapq.heappush(self._newest, item)
            else:
                heapq.heappushpop(self._newest, item)

    @property
    def spikes(self) -> list[tuple[UUID, Spike]]:
        """The newest spikes and their issues, the newest first; of one bucket the largest first."""
        return [(UUID(int=issue), spike) for _, _, issue, spike in sorted(self._newest, reverse=True)]

    @property
    def truncated(self) -> bool:
        """Whether there are more than `spikes` holds."""
        return self.count > len(self._newest)


def compare(environment_id: int, configs: Sequence[Config], since: int, until: int) -> list[Replayed]:
    """Return what each of ``configs`` finds from the bucket with the number ``since`` to before ``until``.

    Raises `errortracking.spikes.series.TooMuch` where the range holds more than can be replayed in one request.
    """
    replays = [Replayed(config) for config in configs]
    threshold = min(config.threshold for config in configs)
    with transaction.atomic():
        budget = Budget()
        totals = Totals(environment_id, budget)
        for issues in hot(environment_id, threshold, since, until, budget):
            totals.read(number for _, series in issues for number in without_history(series, threshold, since))
            for issue, series in issues:
                for one in replays:
                    one.see(issue, series, totals.before, since)
    return replays
