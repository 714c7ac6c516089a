"""The arithmetic of the rate limits: no window above the limit, one process that asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.api.buckets import (
    SECOND,
    Answer,
    Holder,
    Lease,
    Report,
    Run,
    State,
    Window,
    ask,
    counted,
    dump,
    leased,
    load,
    settled,
)

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
BOTH = [Window(MINUTE, 480), Window(HOUR, 4800)]
T = 1_790_000_000 * SECOND


def at(seconds: float) -> int:
    return T + round(seconds * SECOND)


def answered(state: State, seconds: float, report: Report | None = None, wanted: int = 0, id: int = 7) -> Answer:
    return ask(state, at(seconds), report, wanted, id, BOTH)


# ---- one question


def test_the_first_question_gets_one_token_that_counts_as_used() -> None:
    answer = answered(State(), 0)
    assert answer.state == State((Run(at(0), 1),), ())
    assert answer.lease == Lease(7, at(0), at(2), 0)


def test_what_is_leased_counts_until_it_is_reported() -> None:
    state = answered(State(), 0, wanted=10).state
    assert state.leases == (Lease(7, at(0), at(2), 10),)
    assert [counted(state, at(1), window) for window in BOTH] == [11, 11]
    after = answered(state, 1.5, Report(7, 3, at(1)), id=8).state
    assert after == State((Run(at(1), 4), Run(at(1.5), 1)), ())  # joined; the new one is not yet


def test_a_lease_that_was_never_used_leaves_nothing() -> None:
    state = answered(State(), 0, wanted=10).state
    assert answered(state, 3, Report(7, 0, 0), id=8).state == State((Run(at(0), 1), Run(at(3), 1)), ())


def test_a_lease_that_is_never_reported_counts_in_full_from_its_end() -> None:
    state = answered(State(), 0, wanted=10).state
    assert counted(state, at(62) - 1, BOTH[0]) == 10
    assert counted(state, at(62), BOTH[0]) == 0
    assert counted(state, at(3602) - 1, BOTH[1]) == 10
    assert answered(state, 3602.1).state.leases == ()


def test_a_report_that_comes_twice_counts_once() -> None:
    first = answered(answered(State(), 0, wanted=10).state, 1, Report(7, 3, at(0.5)), id=8).state
    assert counted(answered(first, 1.1, Report(7, 3, at(0.5)), id=9).state, at(1.1), BOTH[0]) == 6


def test_at_most_a_thirtieth_of_the_limit_is_leased_and_then_single_tokens_go_on() -> None:
    first = answered(State(), 0, wanted=1000)
    assert first.lease is not None
    assert first.lease.size == 16
    second = answered(first.state, 0.1, wanted=5, id=8)
    assert second.lease == Lease(8, at(0.1), at(2.1), 0)
    assert leased(second.state, at(0.1), BOTH[0]) == 16


def test_the_limit_itself_is_reached_and_not_exceeded() -> None:
    """1.5: 480 a minute."""
    state = State((Run(at(0), 470), Run(at(5), 9)), ())
    last = answered(state, 10, wanted=5)
    assert last.lease is not None
    assert last.lease.size == 0
    refused = answered(last.state, 11)
    assert (refused.lease, refused.again_at) == (None, at(60))
    assert ask(last.state, at(60) - 1, None, 0, 9, BOTH).lease is None
    assert answered(last.state, 60).lease is not None


def test_the_longer_window_refuses_as_well() -> None:
    """1.5: 4800 an hour."""
    state = State(tuple(Run(at(60 * n), 400) for n in range(12)), ())
    refused = answered(state, 3000)
    assert (refused.lease, refused.again_at) == (None, at(3600))


def test_a_refused_asker_is_told_when_enough_has_gone() -> None:
    state = State((Run(at(0), 1), Run(at(1), 479), Run(at(2), 20)), ())
    assert answered(state, 3).again_at == at(61)


def test_a_small_limit_is_exact() -> None:
    windows = [Window(MINUTE, 3), Window(HOUR, 5)]
    state, passed = State(), []
    for second in range(0, 130, 10):
        answer = ask(state, at(second), None, 99, second, windows)
        state = answer.state
        if answer.lease:
            passed.append(second)
    assert passed == [0, 10, 20, 60, 70]


def test_runs_are_joined_up_to_a_thirtieth_of_the_limit() -> None:
    state = State()
    for n in range(100):
        state = answered(state, n * 0.5, id=n).state
    assert [run.size for run in state.runs] == [16, 16, 16, 16, 16, 16, 3, 1]
    assert state.runs[0] == Run(at(7.5), 16)
    old = answered(state, 200).state
    assert [run.size for run in old.runs] == [100, 1]


def test_nothing_is_joined_across_a_lease_that_is_out() -> None:
    """Its late report would otherwise stand in the middle of a run."""
    state = answered(State((Run(at(9), 1), Run(at(9.5), 1)), ()), 10, wanted=4).state
    later = answered(state, 20, id=8).state
    assert [run.size for run in later.runs] == [2, 1, 1]
    reported = answered(later, 21, Report(7, 4, at(11)), id=9).state
    assert [run.size for run in reported.runs] == [8, 1]


def test_a_clock_that_was_ahead_and_is_corrected_blocks_for_one_window_at_most() -> None:
    state = State((Run(at(9999), 480),), (Lease(1, at(9999), at(10001), 3),))
    assert settled(state, at(0)) == State((Run(at(0), 480),), (Lease(1, at(0), at(2), 3),))
    assert answered(state, 0).lease is None
    assert answered(settled(state, at(0)), 62.1).lease is not None


RUNS = st.lists(st.builds(Run, st.integers(-(2**62), 2**62), st.integers(0, 2**32 - 1)), max_size=300)
TIMES = st.integers(-(2**62), 2**62)
LEASES = st.lists(st.builds(Lease, st.integers(0, 2**64 - 1), TIMES, TIMES, st.integers(0, 2**32 - 1)), max_size=50)


@given(RUNS, LEASES)
def test_a_state_survives_being_stored(runs: list[Run], leases: list[Lease]) -> None:
    assert load(dump(State(tuple(runs), tuple(leases)))) == State(tuple(runs), tuple(leases))


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02\x00\x00\x00\x00", b"nonsense"])
def test_what_is_no_state_is_an_empty_one(data: bytes) -> None:
    assert load(data) == State()


# ---- one process


def test_a_process_takes_from_its_lease_while_it_lasts() -> None:
    holder = Holder()
    assert holder.take(at(0)) is None
    assert holder.learn(Answer(State(), Lease(1, at(0), at(2), 2), 0), at(0))
    assert [holder.take(at(second)) for second in (0.5, 1)] == [True, True]
    assert holder.take(at(1.1)) is None
    assert holder.report() == Report(1, 2, at(1))
    assert holder.wanted(at(1.1)) == 5  # they did not last: twice as many, and one
    assert holder.take(at(1.1)) is None


def test_a_lease_ends_after_two_seconds_and_the_next_is_as_large_as_was_used() -> None:
    holder = Holder()
    holder.learn(Answer(State(), Lease(1, at(0), at(2), 9), 0), at(0))
    assert holder.take(at(1.9)) is True
    assert holder.take(at(2)) is None
    assert [holder.wanted(at(second)) for second in (2, 3.9, 4)] == [1, 1, 0]


def test_a_lease_that_the_row_was_told_of_is_not_used_again_when_the_clock_goes_back() -> None:
    holder = Holder()
    holder.learn(Answer(State(), Lease(1, at(0), at(2), 9), 0), at(0))
    assert holder.take(at(5)) is None
    holder.report()
    assert holder.take(at(1)) is None


def test_a_refusal_is_believed_until_there_may_be_room_and_for_two_seconds_at_most() -> None:
    holder = Holder()
    assert not holder.learn(Answer(State(), None, at(1)), at(0))
    assert [holder.take(at(second)) for second in (0.5, 0.99, 1)] == [False, False, None]
    holder.learn(Answer(State(), None, at(50)), at(0))
    assert [holder.take(at(second)) for second in (1.9, 2)] == [False, None]
