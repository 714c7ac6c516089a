"""The supervisor's loop: start, watch, start again; and at the end stop all in order."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

import structlog

from runtime.supervisor import lifeline
from runtime.supervisor.children import Child, Specification
from runtime.supervisor.state import Row, RunFolder

log = structlog.get_logger("healthtrack.supervisor")

TICK_SECONDS = 0.5
STOP_ORDER = ("web", "worker")  # first nothing new is accepted, then what was begun is finished
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A child that keeps dying before the server was ready even once will not be mended by patience.
DEATHS_BEFORE_READY = 3


class Guard(Protocol):
    """Something else that must run, such as the embedded PostgreSQL, and that starts itself again."""

    def check(self) -> bool:
        """Make sure that it runs; return whether its process is another one than at the last check."""

    def row(self) -> Row | None:
        """Return its line for ``ps``, or ``None`` while it is down."""


class Supervisor:
    """Runs children until a signal comes. To be used from the main thread, once."""

    def __init__(self, specifications: list[Specification], folder: RunFolder, me: Row, guard: Guard | None) -> None:
        self._reader, self._writer = os.pipe()
        self._children = [Child(self._with_lifeline(each)) for each in specifications]
        self._folder = folder
        self._me = me
        self._guard = guard
        self._signals = 0
        self.ready = False
        self.failure: str | None = None

    def _with_lifeline(self, spec: Specification) -> Specification:
        return Specification(
            name=spec.name,
            role=spec.role,
            command=spec.command,
            environment={**spec.environment, lifeline.VARIABLE: str(self._reader)},
            descriptors=(*spec.descriptors, self._reader),
            stop_seconds=spec.stop_seconds,
        )

    @property
    def stopping(self) -> bool:
        """Whether a signal, or a failure before the server was ready, has ended the watch."""
        return self._signals > 0 or self.failure is not None

    def run(self, on_tick: Callable[[], None], before_stop: Callable[[], None] = lambda: None) -> None:
        """Start everything, watch it until a signal comes, and stop it.

        ``on_tick`` is called at each round, ``before_stop`` once when the watch is over.
        """
        with self._signals_caught() as wake:
            try:
                while not self.stopping:
                    self._round()
                    on_tick()
                    self._sleep(wake)
            finally:
                before_stop()
                self._stop(wake)

    def _round(self) -> None:
        changed = self._guard.check() if self._guard else False
        for child in self._children:
            changed |= child.reap()
            if not child.running and child.due_in <= 0 and not self.stopping:
                child.start()
                changed = True
            if child.deaths >= DEATHS_BEFORE_READY and not self.ready:
                self.failure = f"{child.specification.name} ended {child.deaths} times before the server was ready"
        if changed:
            self._note()

    def _note(self) -> None:
        rows = [self._me, self._guard.row() if self._guard else None, *(child.row() for child in self._children)]
        try:
            self._folder.write([row for row in rows if row is not None])
        except OSError as error:
            log.error("cannot write the list of processes", error=str(error))  # a full disk must not end the server

    def _sleep(self, wake: int, longest: float = TICK_SECONDS) -> None:
        dues = [child.due_in for child in self._children if not child.running]
        _await(wake, max(min([longest, *dues]), 0.01))

    def _stop(self, wake: int) -> None:
        for role in STOP_ORDER:
            self._stop_children([child for child in self._children if child.specification.role == role], wake)
        self._stop_children(self._children, wake)
        os.close(self._writer)

    def _stop_children(self, children: list[Child], wake: int) -> None:
        for child in children:
            child.ask_to_stop()
        started = time.monotonic()
        killed: set[str] = set()
        while any(child.running for child in children):
            for child in children:
                name = child.specification.name
                late = time.monotonic() - started > child.specification.stop_seconds
                if child.running and name not in killed and (late or self._signals > 1):
                    log.warning("killed", name=name, reason="late" if late else "second signal")
                    child.kill()
                    killed.add(name)
                child.reap()
            if any(child.running for child in children):
                _await(wake, 0.05)

    @contextmanager
    def _signals_caught(self) -> Iterator[int]:
        """Catch the signals that stop us and the deaths of children; yield a descriptor that is readable after one."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _pipe()
        before: dict[signal.Signals, object] = {}
        old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            for number in STOPPING_SIGNALS:
                # nohup ignores SIGHUP, and means it. A shell ignores SIGINT for what it starts with `&`, so that Ctrl-C
                # spares it; a SIGINT that comes nevertheless was sent to us by somebody.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    before[number] = signal.signal(number, self._on_signal)
            before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _nothing)
            yield reader
        finally:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            os.close(reader)
            os.close(writer)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1


def _await(wake: int, seconds: float) -> None:
    """Wait for a signal, and forget those that have come: the next wait would not wait otherwise."""
    select.select([wake], [], [], seconds)
    while select.select([wake], [], [], 0)[0]:
        os.read(wake, 512)


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    return reader, writer


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Exist: a signal without a handler of Python's does not write to the wake-up descriptor."""
