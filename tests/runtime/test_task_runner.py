"""The task runner ends when any part of it does: its process is started again then."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from procrastinate import App

from runtime import task_runner
from runtime.task_runner import QUEUES, TaskRunner


@pytest.mark.django_db(transaction=True)
def test_it_fails_when_the_worker_of_one_queue_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """procrastinate's worker returns when its heartbeat fails. The others are stopped, not left alone."""
    began: set[str] = set()
    stopped: list[str] = []

    async def run_worker(_: App, queues: list[str], **__: Any) -> None:
        began.update(queues)
        while began != set(QUEUES):  # noqa: ASYNC110 - of two lines it is shorter
            await asyncio.sleep(0)
        if queues == ["fetch"]:
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.extend(queues)
            raise

    monkeypatch.setattr(task_runner._App, "run_worker_async", run_worker)
    ended = threading.Event()
    runner = TaskRunner(on_end=ended)
    runner.start()
    assert ended.wait(30)
    assert runner.failed
    assert stopped == ["default"]
