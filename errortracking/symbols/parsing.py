"""The parsing process as its worker sees it: started when needed, asked, watched, killed when it takes too long."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress

import orjson
import psutil
from django.conf import settings

from errortracking.symbols.protocol import Reply, Request

READY_SECONDS = 60  # to start Python on a busy machine
# What the process needs of the environment. It reads data of strangers: secrets are not handed on.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")


class Died(Exception):
    """The process ended over a request. Its text says of what."""


class TookTooLong(Exception):
    """The process was killed because its time was over; ``busy`` are the seconds for which it had a processor."""

    def __init__(self, reason: str, busy: float) -> None:
        super().__init__(reason)
        self.busy = busy


class Left(Exception):
    """The process left instead of answering: it had been idle, or wants the request done by one that knows nothing."""


class Unavailable(Exception):
    """No parsing process could be started: no fault of the data; to be tried again later."""


class Process:
    """One parsing process."""

    def __init__(self, memory: int) -> None:
        """Start it with ``memory`` bytes of address space. Raises `Unavailable`."""
        self._buffer = bytearray()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "errortracking.symbols.child", str(memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                cwd=settings.BASE_DIR,
                start_new_session=True,  # a Ctrl-C at the terminal is for the worker
            )
        except OSError as error:
            raise Unavailable(str(error)) from error
        assert self._process.stdin  # noqa: S101  # asked for above
        assert self._process.stdout  # noqa: S101
        self._requests, self._replies = self._process.stdin, self._process.stdout
        try:
            self._next(READY_SECONDS)
        except (Died, TookTooLong, Left) as error:
            raise Unavailable(str(error)) from error

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked, as far as one can know."""
        return not self._requests.closed and self._process.poll() is None

    def ask(self, request: Request, seconds: float) -> Reply:
        """Return the reply. Raises `Died`, `TookTooLong` and `Left`; the process is gone after each of these."""
        with suppress(BrokenPipeError):  # it is dead: the next look at its replies will say of what
            self._requests.write(orjson.dumps(request) + b"\n")
            self._requests.flush()
        return self._next(seconds)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._requests.close()
        self._replies.close()

    def _next(self, seconds: float) -> Reply:
        deadline, before = time.monotonic() + seconds, self._processor_seconds()
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while not self._buffer.endswith(b"\n"):  # one reply to one request: nothing follows it
                if (remaining := deadline - time.monotonic()) <= 0:
                    busy = self._processor_seconds() - before
                    self.close()
                    raise TookTooLong(f"it took longer than {seconds:g} s", busy)
                if selector.select(remaining):
                    data = os.read(self._replies.fileno(), 1024 * 1024)
                    if not data:
                        raise self._ended()
                    self._buffer += data
        reply: Reply = orjson.loads(self._buffer)
        self._buffer.clear()
        return reply

    def _processor_seconds(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:  # it has just died, which the next look at its replies will show
            return 0.0
        return times.user + times.system

    def _ended(self) -> Exception:
        status = self._process.wait()
        self.close()
        if status == 0:
            return Left("the process left")
        return Died(_described(status))


def _described(status: int) -> str:
    if status > 0:
        return f"the process ended with status {status}"
    with suppress(ValueError):
        return f"the process was ended by {signal.Signals(-status).name}"
    return f"the process was ended by signal {-status}"
