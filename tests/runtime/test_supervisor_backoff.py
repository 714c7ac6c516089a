"""How long a process that died has to wait."""

from __future__ import annotations

from runtime.supervisor.backoff import Backoff


def test_the_pause_doubles_from_half_a_second_to_half_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.after_death(0.1) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_process_that_ran_well_comes_back_at_once() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after_death(0.1)
    assert backoff.after_death(5.0) == 0.5
    assert backoff.after_death(0.1) == 0.5
    assert backoff.after_death(4.9) == 1


def test_a_process_that_dies_for_a_month_still_has_a_pause() -> None:
    backoff = Backoff()
    for _ in range(100_000):
        pause = backoff.after_death(0)
    assert pause == 30
