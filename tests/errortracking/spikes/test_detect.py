"""Whether an issue spikes: the cases of pipeline 3, the shared vectors, what holds for all numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.models import SpikeDetectionConfig
from errortracking.spikes.detect import (
    EPOCH,
    Config,
    Total,
    baseline,
    bucket_of,
    history_of,
    is_spike,
    number_of,
    start_of,
)

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["spike"]
Pairs = Sequence[tuple[int, int]]


def judged(issue: Sequence[int], team: Pairs, config: Config = Config()) -> tuple[float, bool]:  # noqa: B008
    """Return baseline and verdict of buckets that are written newest first, the first being the current one."""
    current = issue[0] if issue else 0
    usual = baseline(issue[1:], [Total(*pair) for pair in team[1:]])
    return usual, is_spike(current, usual, config)


# ---- the table


@pytest.mark.parametrize(
    ("issue", "team", "usual", "spikes"),
    [
        ([500] + [10] * 11, [(100, 1)] * 12, 10, True),
        ([10] * 12, [(100, 1)] * 12, 10, False),  # under the threshold
        ([600, 10], [(100, 1)] * 12, 10, True),  # one bucket of history is enough
        ([50, 10], [(10, 1)] * 12, 10, False),
        ([550], [(10, 1)] * 12, 10, True),  # the project's
        ([50], [(10, 1)] * 12, 10, False),
        ([], [(10, 1)] * 12, 10, False),  # the current bucket counts as 0
        ([600], [(20, 2), (15, 3), (12, 4), (8, 2)], 4.0, True),  # (5 + 3 + 4) / 3: the current pair is left out
        ([1000], [(1000, 1)] + [(10, 1)] * 11, 10, True),
        ([600], [(100, 2), (200, 4), (300, 6)], 50, True),
        ([550, 20, 20], [(100, 2), (200, 4), (300, 6)], 20, True),
        ([600], [(400, 2), (600, 3)], 200, False),
        ([700, 100], [(400, 2), (600, 3)], 100, False),
        ([2500], [(400, 2), (600, 3)], 200, True),
    ],
)
def test_the_cases_of_the_table(issue: list[int], team: Pairs, usual: float, spikes: bool) -> None:
    assert judged(issue, team) == (usual, spikes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["issue_buckets"][:3]))
def test_the_shared_vectors(vector: dict[str, Any]) -> None:
    config = Config(threshold=vector["threshold"], multiplier=vector["multiplier"])
    found = judged(vector["issue_buckets"], vector["team_buckets"], config)
    assert found == (vector["baseline"], vector["spiking"])


def test_there_are_seven_vectors() -> None:
    assert len(VECTORS) == 7


# ---- the edges of the rule


@pytest.mark.parametrize(("current", "spikes"), [(499, False), (500, True), (501, True)])
def test_the_threshold_itself_is_enough(current: int, spikes: bool) -> None:
    assert is_spike(current, 0.0, Config()) is spikes


@pytest.mark.parametrize(("current", "spikes"), [(1000, False), (1001, True)])
def test_as_many_as_the_multiple_of_the_baseline_is_not_enough(current: int, spikes: bool) -> None:
    assert is_spike(current, 100.0, Config()) is spikes


def test_a_baseline_is_a_mean_over_the_buckets_that_exist() -> None:
    assert baseline([1, 2], [Total(1000, 1)]) == 1.5
    assert baseline([1, 0], []) == 0.5  # a zero that is there counts, an absent one does not


def test_buckets_of_the_project_without_an_issue_are_left_out_and_none_at_all_is_zero() -> None:
    assert baseline([], [Total(10, 0), Total(6, 2)]) == 3.0
    assert baseline([], [Total(10, 0)]) == 0.0
    assert baseline([], []) == 0.0


@pytest.mark.django_db
def test_the_defaults_are_those_of_a_new_row() -> None:
    """3: threshold 500, multiplier 10, snooze 10 min."""
    row = SpikeDetectionConfig()
    assert Config() == (10, 10, 500) == (row.snooze_duration_minutes, row.multiplier, row.threshold)
    assert Config().snooze == timedelta(minutes=10)


@given(st.integers(0, 10**6), st.floats(0, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_more_exceptions_or_a_milder_configuration_never_end_a_spike(
    current: int, usual: float, multiplier: int, threshold: int
) -> None:
    if is_spike(current, usual, Config(multiplier=multiplier, threshold=threshold)):
        assert is_spike(current + 1, usual, Config(multiplier=multiplier, threshold=threshold))
        assert is_spike(current, usual, Config(multiplier=max(multiplier - 1, 1), threshold=threshold))
        assert is_spike(current, usual, Config(multiplier=multiplier, threshold=max(threshold - 1, 1)))
        assert current >= threshold


@given(st.lists(st.integers(1, 10**6), max_size=11), st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 50))))
def test_a_baseline_lies_between_the_least_and_the_most_of_what_it_is_made_of(
    history: list[int], pairs: list[tuple[int, int]]
) -> None:
    team = [Total(*pair) for pair in pairs]
    shares = [exceptions / issues for exceptions, issues in pairs if issues]
    parts: list[float] = [*history] if history else shares
    # The sum of the mean's parts is rounded, so it may miss them by the last digit.
    assert min(parts, default=0) * (1 - 1e-9) <= baseline(history, team) <= max(parts, default=0) * (1 + 1e-9)


# ---- buckets


@pytest.mark.parametrize(
    ("moment", "bucket"),
    [
        ("2026-11-22T12:00:00+00:00", "12:00"),
        ("2026-11-22T12:04:59.999999+00:00", "12:00"),
        ("2026-11-22T12:05:00+00:00", "12:05"),
        ("2026-11-22T13:07:30+01:00", "12:05"),
        ("2026-11-22T17:48:00+05:45", "12:00"),
    ],
)
def test_a_bucket_is_five_minutes_aligned_to_the_epoch(moment: str, bucket: str) -> None:
    assert bucket_of(datetime.fromisoformat(moment)) == datetime.fromisoformat(f"2026-11-22T{bucket}:00+00:00")


def test_the_history_are_the_eleven_buckets_before_also_across_midnight() -> None:
    found = history_of(datetime(2026, 11, 23, 0, 10, tzinfo=UTC))
    assert [f"{bucket:%d %H:%M}" for bucket in found] == [
        *("23 00:05", "23 00:00", "22 23:55", "22 23:50", "22 23:45", "22 23:40"),
        *("22 23:35", "22 23:30", "22 23:25", "22 23:20", "22 23:15"),
    ]


MOMENTS = st.integers(0, 250_000_000_000_000_000).map(lambda micro: EPOCH + timedelta(microseconds=micro))


@given(MOMENTS)
def test_a_bucket_holds_its_moment_and_its_history_is_the_hour_with_it(moment: datetime) -> None:
    bucket = bucket_of(moment)
    assert bucket <= moment < bucket + timedelta(minutes=5)
    assert bucket.timestamp() % 300 == 0
    assert start_of(number_of(moment)) == bucket
    if bucket > datetime(1970, 1, 2, tzinfo=UTC):
        hour = [bucket, *history_of(bucket)]
        assert len(set(hour)) == 12
        assert max(hour) - min(hour) == timedelta(minutes=55)
        assert all(bucket_of(one) == one for one in hour)
