"""The arithmetic of the rate limits: no window above the limit, nobody refused up to 90 % of it, few questions."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field

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


# ---- several processes


@dataclass
class Process:
    """One process: its holder, and the row as it last saw it."""

    holder: Holder = field(default_factory=Holder)
    revision: int = -1
    state: State = field(default_factory=State)


@dataclass
class World:
    """Processes with one row, one clock, and the moments at which requests passed."""

    windows: list[Window]
    processes: list[Process]
    revision: int = 0
    row: bytes = b""
    passed: list[int] = field(default_factory=list)
    asked: int = 0
    refused: int = 0

    def request(self, number: int, now: int, *, asks: bool = True, lost: bool = False) -> None:
        """A request reaches a process. It cannot ask where the database is away; its answer may be lost after that."""
        process = self.processes[number % len(self.processes)]
        passes = process.holder.take(now)
        if passes is None:
            if not asks:
                return
            passes = self._ask(process, now, lost)
        if passes:
            self.passed.append(now)
            for window in self.windows:
                assert self.used(window, now) <= window.limit
        elif passes is not None:
            self.refused += 1
            assert any(10 * self.used(window, now) > 9 * window.limit for window in self.windows)

    def used(self, window: Window, now: int) -> int:
        return len(self.passed) - bisect_right(self.passed, now - window.length)

    def _ask(self, process: Process, now: int, lost: bool) -> bool | None:
        report, wanted = process.holder.report(), process.holder.wanted(now)
        while True:
            self.asked += 1
            answer = ask(process.state, now, report, wanted, self.asked, self.windows)
            if process.revision == self.revision:
                break
            process.revision, process.state = self.revision, load(self.row)
        self.revision, self.row = self.revision + 1, dump(answer.state)
        if lost:
            return None
        process.revision, process.state = self.revision, answer.state
        return process.holder.learn(answer, now)


def world(processes: int, minute: int = 480, hour: int = 4800) -> World:
    return World([Window(MINUTE, minute), Window(HOUR, hour)], [Process() for _ in range(processes)], row=dump(State()))


GAPS = st.sampled_from([0, 0, 0, 0, 0.001, 0.03, 0.1, 0.4, 1.0, 1.999, 2.0, 2.5, 7, 30, 57.9, 60, 61, 600, 3540, 3600])
BURSTS = st.lists(
    st.tuples(GAPS, st.integers(0, 7), st.integers(1, 150), st.sampled_from([0, 0, 0.002, 0.05, 0.3])), max_size=60
)


@given(processes=st.integers(1, 6), bursts=BURSTS, limits=st.sampled_from([(480, 4800), (480, 700), (30, 90), (7, 20)]))
def test_no_window_is_exceeded_and_nobody_is_refused_up_to_nine_tenths(
    processes: int, bursts: list[tuple[float, int, int, float]], limits: tuple[int, int]
) -> None:
    """Checked at each request, over bursts of any kind: in one process or spread, at the edges of windows or not."""
    here, now = world(processes, *limits), T
    for gap, first, number, step in bursts:
        now += round(gap * SECOND)
        for n in range(number):
            now += round(step * SECOND)
            here.request(first + (n if first % 2 else 0), now)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3 * SECOND), st.sampled_from(["", "", "", "away", "lost", "dies"])),
        max_size=400,
    )
)
def test_no_window_is_exceeded_when_databases_and_processes_fail(
    requests: list[tuple[int, int, str]],
) -> None:
    """An answer that is lost and a process that dies cost tokens that nobody can use; nothing else is promised then."""
    here, now = world(4, 60, 200), T
    for number, gap, fault in requests:
        now += gap
        if fault == "dies":
            here.processes[number] = Process()
        try:
            here.request(number, now, asks=fault != "away", lost=fault == "lost")
        except AssertionError:
            assert all(here.used(window, now) <= window.limit for window in here.windows)


def test_a_client_at_nine_tenths_of_both_limits_is_never_refused() -> None:
    """432 at once each minute, until the hour has 4320; and the same again when that has left the window."""
    here = world(3)
    for hour in range(2):
        for minute in range(10):
            for n in range(432):
                here.request(n, at(hour * 3601 + minute * 61) + n)
    assert (len(here.passed), here.refused) == (2 * 4320, 0)


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_client_that_never_stops_gets_nine_tenths_at_least(processes: int) -> None:
    here, chance = world(processes), random.Random(5)
    for n in range(10 * 600):
        here.request(chance.randrange(processes), at(n / 10))
    assert 0.9 * 4800 <= len(here.passed) <= 4800
    assert len(dump(load(here.row))) < 2000  # PostgreSQL would move a larger one out of the row


@pytest.mark.parametrize(("processes", "rate", "most"), [(1, 7, 0.11), (2, 7, 0.4), (1, 40, 0.05), (2, 40, 0.06)])
def test_questions_are_rare(processes: int, rate: int, most: float) -> None:
    """Questions for each request, of a client that keeps a steady rate; a lost race for the row is one as well."""
    here, chance = world(processes, rate * 80, rate * 4000), random.Random(5)
    for n in range(60 * rate):
        here.request(chance.randrange(processes), at(n / rate))
    assert here.refused == 0
    assert here.asked / len(here.passed) < most
