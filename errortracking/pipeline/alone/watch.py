"""A child process as its worker sees it: asked to process a row, it answers, or it dies at an event."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection

from errortracking.pipeline.alone.protocol import Report, Task

COMMAND = [sys.executable, "-m", "errortracking.pipeline.alone.child"]
# Bytes of address space. Of the largest requests that are accepted (25 MB), one of exceptions was measured to take half
# of this and one of small objects nearly all; what takes more was made to take memory.
MEMORY = 1024 * 1024 * 1024
READY_SECONDS = 60  # to import Django on a busy machine
EVENT_SECONDS = 30  # by the clock, for what waits forever; of processor time the child allows itself less
_PING_SECONDS = 20  # between looks whether the worker's session, and with it the project's lock, is still there
_LEAVE_SECONDS = 3


class Died(Exception):
    """The child ended while it processed a row; ``place`` is the event that it was at, None if it was at none yet."""

    def __init__(self, reason: str, place: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


class Unavailable(Exception):
    """The child could not even be started: no fault of any row."""


class Child:
    """A child process for rows of one project that carry one lease."""

    def __init__(self, environment_id: int, lease_id: UUID) -> None:
        """Start it. Raises `Unavailable`."""
        # Its own session: a Ctrl-C at the terminal is for the worker. Its own counters would be files that
        # nobody sums up.
        environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        self._buffer = b""
        try:
            self._process = subprocess.Popen(  # a constant command, numbers and a uuid
                [*COMMAND, str(environment_id), str(lease_id), str(MEMORY)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                cwd=settings.BASE_DIR,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(str(error)) from error
        assert self._process.stdin  # noqa: S101  # asked for above
        assert self._process.stdout  # noqa: S101
        self._tasks, self._reports = self._process.stdin, self._process.stdout
        try:
            self._next(READY_SECONDS, None)
        except Died as death:
            raise Unavailable(death.reason) from death

    def process(self, task: Task) -> Report:
        """Let the child process one row, and return its last report. Raises `Died`."""
        with suppress(BrokenPipeError):  # it is dead: the next look at its answers will say of what
            self._tasks.write(orjson.dumps(task) + b"\n")
            self._tasks.flush()
        place: int | None = None
        while (report := self._next(EVENT_SECONDS, place))["kind"] == "event":
            place = report["place"]
        return report

    def close(self) -> None:
        """Let the child leave, or end it if it does not."""
        with suppress(OSError):
            self._tasks.close()
        try:
            self._process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reports.close()

    def _next(self, seconds: float, place: int | None) -> Report:
        deadline = time.monotonic() + seconds
        ping = time.monotonic() + _PING_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._reports, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                now = time.monotonic()
                if now >= deadline:
                    self._process.kill()
                    self._end(f"took longer than {seconds:g} s", place)
                if now >= ping:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
                    ping = now + _PING_SECONDS
                if selector.select(min(deadline, ping) - now):
                    data = os.read(self._reports.fileno(), 65_536)
                    if not data:
                        self._end(None, place)
                    self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        report: Report = orjson.loads(line)
        return report

    def _end(self, reason: str | None, place: int | None) -> None:
        status = self._process.wait()
        self.close()
        raise Died(reason or _described(status), place)


def _described(status: int) -> str:
    if status >= 0:
        return f"the process ended with status {status}"
    with suppress(ValueError):
        return f"the process was ended by {signal.Signals(-status).name}"
    return f"the process was ended by signal {-status}"
