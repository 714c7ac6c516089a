"""``manage.py worker``: processes what was accepted, and runs tasks. Any number, on any machine with the database."""

from __future__ import annotations

import _thread
import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, connection

from runtime import schema
from runtime.server import COLLECT_AFTER
from runtime.supervisor import lifeline

log = structlog.get_logger("healthtrack.worker")

WAIT_SECONDS = 60.0  # for a database that is starting, or that another machine is migrating
LOOK_SECONDS = 0.5


class Command(BaseCommand):
    """Runs the pipeline in the main thread and the tasks in another; ends with an error when either ends."""

    help = "Process accepted events and run tasks, for the database that DATABASE_URL names."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        """Work until SIGTERM or Ctrl-C; what was begun is finished."""
        os.environ.setdefault("HEALTHTRACK_ROLE", "worker")
        lifeline.hold()
        stop, asked = threading.Event(), threading.Event()

        def on_signal(number: int, _frame: FrameType | None) -> None:
            # Not here: this thread may just be inside of `stop.wait`, and hold the lock that `set` would wait for.
            _thread.start_new_thread(_set, (asked, stop))
            signal.signal(number, signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                signal.signal(number, on_signal)
        if not _wait_for_database(stop):
            sys.exit(0 if asked.is_set() else 1)
        if not _work(stop, asked):
            sys.exit(1)


def _set(*events: threading.Event) -> None:
    for event in events:
        event.set()


def _work(stop: threading.Event, asked: threading.Event) -> bool:
    """Run the pipeline and the tasks until ``stop``; return whether that was ``asked`` for."""
    from errortracking.pipeline import worker as pipeline
    from runtime.task_runner import TaskRunner

    tasks = TaskRunner(on_end=stop)
    tasks.start()
    gc.freeze()  # what is loaded by now stays, and need not be looked through again
    gc.set_threshold(COLLECT_AFTER)
    log.info("working")
    try:
        pipeline.run(stop, _beat)
    except Exception:
        log.exception("the pipeline failed")
        asked.clear()
    finally:
        tasks.stop()
    return asked.is_set() and not tasks.failed


def _beat() -> None:
    """Renew the time of ``HEALTHTRACK_HEARTBEAT_FILE``, by which a container's health check sees that this works."""
    if file := os.environ.get("HEALTHTRACK_HEARTBEAT_FILE"):
        Path(file).touch()


def _wait_for_database(stop: threading.Event) -> bool:
    """Wait until the database answers and is migrated. Return whether it is; ``False`` also after ``stop``.

    Ending at once would do as well under a supervisor, but its pauses grow to half a minute.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    said = ""
    while not stop.is_set():
        try:
            reason = "migrations are pending" if schema.pending() else ""
        except Error as error:
            reason = str(error).strip()
            connection.close()
        if not reason:
            return True
        if reason != said:
            log.warning("waiting for the database", reason=reason)
            said = reason
        if time.monotonic() > deadline:
            log.error("gave up waiting for the database", reason=reason)
            return False
        stop.wait(LOOK_SECONDS)
    return False
