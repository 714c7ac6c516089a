"""The token bucket: literal numbers of pipeline 2.11, and what holds for any limit and any arrivals."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline.bucket import Bucket, Limit

T = 1_795_348_800  # 2026-11-22T12:00:00Z


def admitted(bucket: Bucket, seconds: Sequence[int]) -> list[bool]:
    return [bucket.take(at) for at in seconds]


def pool(bucket: Bucket) -> Fraction:
    return bucket.tokens + Fraction(bucket.fraction, bucket.limit.seconds)


# ---- worked out by hand


def test_a_bucket_is_full_at_first_and_admits_its_value_at_once() -> None:
    assert admitted(Bucket.full(Limit(5), T), [T] * 7) == [True] * 5 + [False] * 2


def test_the_default_is_sixty_minutes() -> None:
    """60 in 60 minutes: a token a minute, to the second."""
    bucket = Bucket.full(Limit(60), T)
    assert admitted(bucket, [T] * 60) == [True] * 60
    assert admitted(bucket, [T + 59, T + 60, T + 60, T + 119, T + 120]) == [False, True, False, False, True]


def test_the_fraction_is_carried() -> None:
    """10,000 in 60 minutes is 25 in 9 seconds: 2.8, 5.6, 8.3, 11.1, 13.9, 16.7, 19.4, 22.2 and 25 in all."""
    bucket = Bucket.full(Limit(10_000), T)
    assert all(admitted(bucket, [T] * 10_000))
    assert [sum(admitted(bucket, [T + second] * 5)) for second in range(1, 10)] == [2, 3, 3, 3, 2, 3, 3, 3, 3]


def test_ten_an_hour_come_every_six_minutes_without_drift() -> None:
    """As floats, 360 times 10 / 3600 is 0.999999999999997, and the eleventh would be dropped at T + 360."""
    bucket = Bucket.full(Limit(10), T)
    assert all(admitted(bucket, [T] * 10))
    let_in = [second for second in range(1, 7201) if bucket.take(T + second)]
    assert let_in == list(range(360, 7201, 360))


def test_what_refills_is_capped() -> None:
    bucket = Bucket.full(Limit(3, 1), T)
    assert admitted(bucket, [T] * 3) == [True] * 3
    assert admitted(bucket, [T + 86_400] * 4) == [True, True, True, False]


def test_one_in_a_minute_is_the_smallest() -> None:
    bucket = Bucket.full(Limit(1, 1), T)
    assert admitted(bucket, [T, T, T + 59, T + 60, T + 119, T + 120]) == [True, False, False, True, False, True]


def test_the_clock_never_runs_backwards() -> None:
    """What arrives late finds the bucket as it is: it neither refills nor takes time away."""
    bucket = Bucket.full(Limit(1, 1), T)
    assert admitted(bucket, [T + 30, T, T - 3600, T + 89, T + 90]) == [True, False, False, False, True]


def test_the_largest_limits_are_exact() -> None:
    largest = 2**31 - 1
    bucket = Bucket(Limit(largest, largest), T, tokens=0)
    assert admitted(bucket, [T + 59, T + 60]) == [False, True]
    bucket.refill(T + 10**15)
    assert (bucket.tokens, bucket.fraction) == (largest, 0)


# ---- a limit that changes


def test_a_raised_value_admits_the_difference_at_once() -> None:
    """5 of 5 used; 5 → 8 leaves 3, not 0 and not 8."""
    bucket = Bucket.full(Limit(5), T)
    assert admitted(bucket, [T] * 6) == [True] * 5 + [False]
    bucket.adopt(Limit(8))
    assert admitted(bucket, [T] * 4) == [True] * 3 + [False]


def test_a_lowered_value_admits_no_more_than_a_new_bucket_would() -> None:
    """3 of 10 used; 10 → 4 leaves 4; then 10 → 9 with 1 left leaves 1."""
    bucket = Bucket.full(Limit(10), T)
    admitted(bucket, [T] * 3)
    bucket.adopt(Limit(4))
    assert admitted(bucket, [T] * 5) == [True] * 4 + [False]

    nearly_empty = Bucket(Limit(10), T, tokens=1)
    nearly_empty.adopt(Limit(9))
    assert admitted(nearly_empty, [T] * 2) == [True, False]


def test_the_time_before_a_change_refilled_by_the_old_limit() -> None:
    """60 an hour, empty, ten minutes: 10 tokens. Were it 6 an hour all along, it would be one."""
    bucket = Bucket(Limit(60), T, tokens=0)
    bucket.refill(T + 600)
    bucket.adopt(Limit(60, 600))
    assert admitted(bucket, [T + 600] * 11) == [True] * 10 + [False]
    assert admitted(bucket, [T + 1199, T + 1200]) == [False, True]


def test_the_begun_token_keeps_its_share_when_the_minutes_change() -> None:
    """1 an hour, 30 minutes begun: half a token. By 1 in 10 minutes the other half takes five."""
    bucket = Bucket(Limit(1), T, tokens=0)
    bucket.refill(T + 1800)
    bucket.adopt(Limit(1, 10))
    assert bucket.fraction == 300
    assert admitted(bucket, [T + 2099, T + 2100]) == [False, True]


def test_the_same_limit_changes_nothing() -> None:
    bucket = Bucket(Limit(7, 3), T, 2, 100)
    bucket.adopt(Limit(7, 3))
    assert bucket == Bucket(Limit(7, 3), T, 2, 100, changed=False)


# ---- whatever comes

limits = st.builds(
    Limit, st.integers(1, 40) | st.integers(1, 2**31 - 1), st.integers(1, 90) | st.integers(1, 2**31 - 1)
)
small = st.builds(Limit, st.integers(1, 12), st.integers(1, 3))
steps = st.lists(st.integers(0, 40) | st.integers(0, 4000), max_size=80)


def moments(gaps: Sequence[int]) -> list[int]:
    now, found = T, []
    for gap in gaps:
        now += gap
        found.append(now)
    return found


@given(limit=small, gaps=steps)
def test_no_window_admits_more_than_its_capacity_and_refill(limit: Limit, gaps: list[int]) -> None:
    seconds = moments(gaps)
    bucket = Bucket.full(limit, T)
    let_in = [at for at in seconds if bucket.take(at)]
    for first in range(len(let_in)):
        for last in range(first, len(let_in)):
            refill = Fraction((let_in[last] - let_in[first]) * limit.value, limit.seconds)
            assert last - first + 1 <= limit.value + refill


@given(limit=small | limits, gaps=st.lists(st.integers(-50, 400), max_size=80))
def test_it_equals_a_simulation_with_fractions(limit: Limit, gaps: list[int]) -> None:
    """The rule as 2.11 words it, with a rational pool and a clock that may be given earlier seconds."""
    bucket = Bucket.full(limit, T)
    tokens, last = Fraction(limit.value), T
    for at in moments(gaps):
        if at > last:
            tokens, last = min(Fraction(limit.value), tokens + Fraction((at - last) * limit.value, limit.seconds)), at
        expected = int(tokens) >= 1
        tokens -= expected
        assert bucket.take(at) is expected
        assert pool(bucket) == tokens


@given(limit=small | limits, gaps=steps, cuts=st.sets(st.integers(0, 80)))
def test_batches_that_are_cut_otherwise_admit_the_same(limit: Limit, gaps: list[int], cuts: set[int]) -> None:
    """Between two batches the bucket is stored only where it gave something, as the stage does."""
    seconds = moments(gaps)
    whole = Bucket.full(limit, T)
    kept: Bucket | None = None
    working = None
    found = []
    for place, at in enumerate(seconds):
        if working is None or place in cuts:
            if working is not None and working.changed:
                kept = working
            working = copy.copy(kept) if kept else Bucket.full(limit, at)
            working.changed = False
        found.append(working.take(at))
    assert found == admitted(whole, seconds)


@given(limit=small | limits, other=small | limits, gaps=steps, later=st.integers(0, 400))
def test_a_full_bucket_cannot_be_told_from_a_new_one(limit: Limit, other: Limit, gaps: list[int], later: int) -> None:
    """That is why it may be forgotten, even if the limit changes later."""
    bucket = Bucket.full(limit, T)
    admitted(bucket, moments(gaps))
    bucket.refill(bucket.at + limit.seconds)
    at = bucket.at + later
    bucket.refill(at)
    bucket.adopt(other)
    new = Bucket.full(other, at)
    assert (bucket.tokens, bucket.fraction, bucket.at) == (new.tokens, new.fraction, new.at)


@given(
    first=limits, second=limits, tokens=st.integers(0, 2**31 - 1), part=st.fractions(0, 1), gap=st.integers(0, 10**7)
)
def test_a_change_leaves_a_bucket_within_its_bounds(
    first: Limit, second: Limit, tokens: int, part: Fraction, gap: int
) -> None:
    held = min(tokens, first.value - 1)
    bucket = Bucket(first, T, held, int(part * (first.seconds - 1)))
    before = pool(bucket)
    bucket.adopt(second)
    assert 0 <= bucket.tokens <= second.value
    assert 0 <= bucket.fraction < second.seconds
    assert bucket.fraction == 0 or bucket.tokens < second.value
    assert pool(bucket) <= before + max(second.value - first.value, 0)
    bucket.refill(T + gap)
    assert pool(bucket) <= second.value


@pytest.mark.parametrize("seconds", [[T], [T, T, T]])
def test_only_what_time_would_not_make_of_it_is_to_be_stored(seconds: list[int]) -> None:
    empty = Bucket(Limit(1), T, tokens=0)
    assert admitted(empty, seconds) == [False] * len(seconds)
    assert not empty.changed
    giving = Bucket(Limit(1), T, tokens=1)
    admitted(giving, seconds)
    assert giving.changed
