"""A signal that comes at an awkward moment is not lost, and stops nothing for good."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from runtime import entry, start
from runtime.management.commands import up, worker

NUMBERS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@pytest.fixture(autouse=True)
def as_a_program_finds_them(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let signals do what they do in a process of its own, until the test is over."""
    monkeypatch.setenv("HEALTHTRACK_ROLE", "test")
    usual = {number: signal.getsignal(number) for number in NUMBERS}
    for number in NUMBERS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in usual.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_worker_may_hold_the_lock_that_its_stop_takes(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A thread in the middle of `Event.wait` does, and a handler of Python's runs in that thread."""

    def wait(stop: threading.Event) -> bool:
        with stop._cond:  # type: ignore[attr-defined] # as its `wait` does
            os.kill(os.getpid(), number)
            time.sleep(0.05)
        assert stop.wait(10)
        return False

    monkeypatch.setattr(worker, "_wait_for_database", wait)
    with pytest.raises(SystemExit) as ended:
        worker.Command().handle()
    assert ended.value.code == 0


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_stop_whose_exception_is_lost_during_the_start_ends_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, code: int, embedded: bool
) -> None:
    """As in a finaliser, where Python prints it and goes on. With an embedded database there is a handler before."""
    if embedded:
        entry._exit_on_signals()
    lost: list[BaseException] = []

    def prepare(*_: Any) -> tuple[None, bool]:
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        except BaseException as error:
            lost.append(error)
        return None, False

    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(start, "prepare_database", prepare)
    monkeypatch.setattr(up, "Supervisor", None)  # nothing gets so far
    with pytest.raises((CommandError, SystemExit)) as ended:
        up.Command().handle(host="127.0.0.1", port=0, web=1, workers=0)
    assert code in (getattr(ended.value, "returncode", None), getattr(ended.value, "code", None))
    assert len(lost) == 1
