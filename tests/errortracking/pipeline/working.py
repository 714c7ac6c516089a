"""What the tests of the worker's loop share: workers that run in threads, and effects that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django.db
import psycopg
import pytest

from environments import clock
from environments.models import Project
from errortracking.models import QueuedRequest
from errortracking.pipeline import effect, worker
from errortracking.pipeline.lease import Leased
from tests.errortracking.pipeline.making import queue

PATIENCE = 20.0


def until(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def running(workers: int = 1) -> Iterator[threading.Event]:
    """Run workers in threads of this process until the end of the block; yields what stops them."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=[stop]) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)


def now(project: Project, *entries: Any, **columns: Any) -> QueuedRequest:
    return queue(project, *entries, received_at=clock.now(), **columns)


def other_sessions(cursor: Any, application: str = "%") -> list[int]:
    cursor.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND application_name LIKE %s AND backend_type = 'client backend'",
        [application],
    )
    return [pid for (pid,) in cursor.fetchall()]


def fail_times(monkeypatch: pytest.MonkeyPatch, *causes: BaseException | None) -> list[int]:
    """Let the first effects fail with these errors (None: succeed); returns where the calls are counted."""
    calls: list[int] = []
    apply = effect.apply

    def failing(leased: Leased) -> None:
        calls.append(len(leased.rows))
        cause = causes[len(calls) - 1] if len(calls) <= len(causes) else None
        if isinstance(cause, psycopg.Error):
            raise django.db.OperationalError(str(cause)) from cause
        if cause is not None:
            raise cause
        apply(leased)

    monkeypatch.setattr(effect, "apply", failing)
    return calls
