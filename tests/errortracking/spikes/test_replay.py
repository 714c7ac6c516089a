"""Replaying stored counts: which spikes a configuration finds in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.spikes.detect import Config, Spike, Total, is_spike, number_of, replay, without_history

CONFIG = Config(snooze_duration_minutes=10, multiplier=10, threshold=500)
START = number_of(datetime(2026, 11, 22, 12, tzinfo=UTC))


def team(*totals: Total) -> Callable[[int], tuple[Total, ...]]:
    return lambda number: totals


def nobody(number: int) -> tuple[Total, ...]:
    pytest.fail("the project was asked")


def found(
    counts: dict[int, int],
    config: Config = CONFIG,
    since: int = 0,
    project: Callable[[int], tuple[Total, ...]] = team(),  # noqa: B008
) -> list[tuple[int, float, int]]:
    """Return (bucket, baseline, value) of the spikes; buckets are counted from noon."""
    series = [(START + number, count) for number, count in sorted(counts.items())]
    spikes = replay(series, config, project, START + since)
    return [(spike.number - START, spike.baseline, spike.value) for spike in spikes]


def test_a_spike_has_its_bucket_its_baseline_and_the_whole_value() -> None:
    assert found({0: 10, 3: 30, 5: 600}, project=nobody) == [(5, 20.0, 600)]
    assert Spike(START, 20.0, 600).bucket == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_history_reaches_back_eleven_buckets_and_no_further() -> None:
    assert found({0: 100, 11: 600}, project=nobody) == []
    assert found({0: 100, 12: 600}) == [(12, 0.0, 600)]
    assert found({0: 100, 1: 10, 12: 600}, project=nobody) == [(12, 10.0, 600)]


def test_without_history_the_project_is_asked_for_that_of_the_bucket() -> None:
    asked: list[int] = []

    def project(number: int) -> tuple[Total, ...]:
        asked.append(number - START)
        return (Total(12, 4), Total(10, 2))

    assert found({0: 600}, project=project) == [(0, 4.0, 600)]
    assert asked == [0]
    assert found({0: 40}, project=nobody) == []  # far from the threshold


def test_a_snooze_keeps_the_buckets_quiet_that_begin_within_it() -> None:
    growing = {0: 600, 1: 7_000, 2: 50_000, 3: 250_000}
    assert [bucket for bucket, *_ in found(growing)] == [0, 2]
    assert [bucket for bucket, *_ in found(growing, CONFIG._replace(snooze_duration_minutes=5))] == [0, 1, 2, 3]
    assert [bucket for bucket, *_ in found(growing, CONFIG._replace(snooze_duration_minutes=11))] == [0, 3]
    assert [bucket for bucket, *_ in found(growing, CONFIG._replace(snooze_duration_minutes=1))] == [0, 1, 2, 3]


def test_what_was_snoozed_is_history_for_what_follows() -> None:
    assert found({0: 600, 1: 600, 2: 6_001}) == [(0, 0.0, 600), (2, 600.0, 6_001)]


def test_buckets_before_the_range_are_history_and_begin_no_snooze() -> None:
    assert found({-1: 600, 0: 6_001}, since=0, project=nobody) == [(0, 600.0, 6_001)]
    assert found({-3: 600, -1: 9_000}, since=0) == []


def test_nothing_is_found_in_nothing() -> None:
    assert found({}, project=nobody) == []


def test_it_is_known_beforehand_about_which_buckets_the_project_may_be_asked() -> None:
    series = [(START, 600), (START + 1, 700), (START + 13, 499), (START + 30, 500), (START + 42, 800)]

    assert list(without_history(series, 500, START)) == [START, START + 30, START + 42]
    assert list(without_history(series, 501, START + 1)) == [START + 42]


SERIES = st.dictionaries(st.integers(0, 60), st.integers(1, 60), max_size=40)
CONFIGS = st.builds(Config, st.integers(1, 60), st.integers(1, 5), st.integers(1, 40))


@given(SERIES, CONFIGS, st.integers(0, 60))
def test_spikes_are_spikes_by_the_rule_and_as_far_apart_as_the_snooze(
    counts: dict[int, int], config: Config, since: int
) -> None:
    project = team(Total(6, 3), Total(4, 4))
    spikes = found(counts, config, since, project)
    for bucket, usual, value in spikes:
        history = [counts[one] for one in range(bucket - 11, bucket) if one in counts]
        assert usual == (sum(history) / len(history) if history else 1.5)
        assert value == counts[bucket]
        assert bucket >= since
        assert is_spike(value, usual, config)
    buckets = [bucket for bucket, *_ in spikes]
    assert all((later - one) * 5 >= config.snooze_duration_minutes for one, later in pairwise(buckets))


@given(SERIES, CONFIGS)
def test_a_bucket_that_spikes_and_is_not_found_lies_in_the_snooze_of_one_that_is(
    counts: dict[int, int], config: Config
) -> None:
    project = team(Total(6, 3))
    buckets = [bucket for bucket, *_ in found(counts, config, 0, project)]
    alone = [bucket for bucket, *_ in found(counts, config._replace(snooze_duration_minutes=1), 0, project)]
    for bucket in set(alone) - set(buckets):
        assert any(0 < (bucket - one) * 5 < config.snooze_duration_minutes for one in buckets)


@given(SERIES, CONFIGS, st.integers(0, 60))
def test_the_project_is_asked_about_no_other_buckets_than_are_known_beforehand(
    counts: dict[int, int], config: Config, since: int
) -> None:
    series = [(START + number, count) for number, count in sorted(counts.items())]
    asked: list[int] = []

    def project(number: int) -> tuple[Total, ...]:
        asked.append(number)
        return ()

    replay(series, config, project, START + since)
    assert set(asked) <= set(without_history(series, config.threshold, START + since))
