"""Whether an issue spikes: pure functions over the counts of 5-minute buckets (pipeline 3).

A bucket is 5 minutes aligned to the epoch; an exception belongs to that of the moment it was received. The 11 buckets
before one are its history, together an hour. A bucket in which nothing came has no count: it is absent, not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BUCKET_MINUTES: Final = 5
BUCKET: Final = timedelta(minutes=BUCKET_MINUTES)
HISTORY: Final = 11


class Config(NamedTuple):
    """When a project calls something a spike; without a word of the project, by default."""

    snooze_duration_minutes: int = 10
    multiplier: int = 10
    threshold: int = 500

    @property
    def snooze(self) -> timedelta:
        """For how long an issue is not reported again."""
        return timedelta(minutes=self.snooze_duration_minutes)


class Total(NamedTuple):
    """What a whole project had in one bucket."""

    exceptions: int
    issues: int
    """Of how many different issues they were."""


class Spike(NamedTuple):
    """A bucket in which an issue spiked."""

    number: int
    baseline: float
    value: int

    @property
    def bucket(self) -> datetime:
        """When the bucket begins."""
        return start_of(self.number)


Team = Callable[[int], Iterable[Total]]
"""Is asked for the project's totals in the history of the bucket with that number, those with any exception."""


def number_of(moment: datetime) -> int:
    """Return the number of the bucket of a moment with a time zone: how many buckets after the epoch it is."""
    return (moment - EPOCH) // BUCKET


def start_of(number: int) -> datetime:
    """Return when the bucket with that number begins, in UTC."""
    return EPOCH + number * BUCKET


def bucket_of(received_at: datetime) -> datetime:
    """Return when the bucket begins to which a moment with a time zone belongs, in UTC."""
    return start_of(number_of(received_at))


def history_of(bucket: datetime) -> list[datetime]:
    """Return when the buckets begin that are the history of ``bucket``, the newest first."""
    return [bucket - ago * BUCKET for ago in range(1, HISTORY + 1)]


def baseline(history: Sequence[int], team: Iterable[Total]) -> float:
    """Return how many exceptions in 5 minutes are usual.

    ``history`` are the issue's own counts in those buckets of its history in which it came: their mean. Where it came
    in none, the mean over the project's buckets, ``team``, of the exceptions that an issue had there; 0.0 without any.
    """
    if history:
        return sum(history) / len(history)
    shares = [total.exceptions / total.issues for total in team if total.issues > 0]
    return sum(shares) / len(shares) if shares else 0.0


def is_spike(current: int, usual: float, config: Config) -> bool:
    """Return whether ``current`` exceptions in a bucket are a spike where ``usual`` is the baseline."""
    return current >= config.threshold and current > usual * config.multiplier


def replay(series: Sequence[tuple[int, int]], config: Config, team: Team, since: int) -> list[Spike]:
    """Return the spikes that ``config`` finds in the counts of one issue, from the bucket with the number ``since`` on.

    ``series`` are numbers of buckets, ascending, and their counts; those before ``since`` are history only. The value
    of a bucket is all that came in it, where the pipeline sees it grow and reports what it had by then. A snooze begins
    with the bucket that spiked, so of two spikes of one issue the buckets are at least that far apart.
    """
    spikes: list[Spike] = []
    snoozed_until = since * BUCKET_MINUTES  # minutes since the epoch
    for place, (number, count) in enumerate(series):
        if count < config.threshold or number < since or number * BUCKET_MINUTES < snoozed_until:
            continue
        history = _history(series, place)
        usual = baseline(history, () if history else team(number))
        if is_spike(count, usual, config):
            spikes.append(Spike(number, usual, count))
            snoozed_until = number * BUCKET_MINUTES + config.snooze_duration_minutes
    return spikes


def without_history(series: Sequence[tuple[int, int]], threshold: int, since: int) -> Iterator[int]:
    """Yield the numbers of the buckets about which `replay` may have to ask the team, with that threshold or more."""
    for place, (number, count) in enumerate(series):
        if count >= threshold and number >= since and not _history(series, place):
            yield number


def _history(series: Sequence[tuple[int, int]], place: int) -> list[int]:
    """Return the counts that are the history of the bucket at a place of a series."""
    oldest = series[place][0] - HISTORY
    return [count for number, count in series[max(place - HISTORY, 0) : place] if number >= oldest]
