"""The rate limits over several processes: no window above the limit, nobody refused up to 90 % of it, few questions."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.api.buckets import SECOND, Holder, State, Window, ask, dump, load
from tests.environments.api.test_buckets import HOUR, MINUTE, T, at


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
