"""The worker: takes projects in turn and processes what waits, until it is told to stop.

Any number of workers may run, on any number of machines, over one database. They poll: a NOTIFY in each
accepting transaction was measured to halve the rate of acceptance, and a poll of an empty queue takes a tenth
of a millisecond.
"""

from __future__ import annotations

import faulthandler
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import Error, connection

from errortracking.models import partitions, slots
from errortracking.pipeline import effect, lease, metrics
from errortracking.pipeline import session as session_settings
from errortracking.pipeline.alone.parent import process_alone
from errortracking.pipeline.lease import Leased
from errortracking.pipeline.transient import is_transient

log = structlog.get_logger(__name__)

SHORTEST_PAUSE = 0.1  # seconds between polls while there is work that others are doing
LONGEST_PAUSE = 1.0  # … and while there is none: with a batch's half second, an event is visible within two
LONGEST_BACKOFF = 5.0  # … and while the database is away
EFFECT_TRIES = 4  # of one batch after deadlocks and the like, before its rows are parked
PARKED = timedelta(seconds=5)
RECYCLE_SECONDS = 15.0  # between looks at the queue's partitions: each is not in use for two minutes out of three
# A batch takes less than one; a worker that hangs ends itself, and its rows are processed alone next.
BATCH_SECONDS = 120


def run(stop: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
    """Process batches in this thread until ``stop`` is set; the batch at hand is finished first.

    ``beat`` is called before each round over the projects, at least every `LONGEST_BACKOFF` or `BATCH_SECONDS`.
    Never raises: a database that is away is waited for, and a project whose rows cannot be taken is passed
    over for a while.
    """
    worker = _Worker(stop)
    try:
        while not stop.is_set():
            beat()
            worker.step()
    finally:
        connection.close()  # and with it every lock


class _Worker:
    """The state of the loop between two rounds."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._pause = SHORTEST_PAUSE
        self._session: Any = None  # the connection that has been prepared
        self._troubled: dict[int, float] = {}  # project → when to try it again (monotonic)
        self._recycle_at = 0.0  # monotonic

    def step(self) -> None:
        """Make one round over the projects, then pause as long as what was found asks for."""
        try:
            self._prepare()
            self._recycle()
            worked, busy = self._round()
        except Exception as error:
            log.warning("worker interrupted", error=repr(error), exc_info=not is_transient(error))
            connection.close()
            self._sleep(self._pause * random.uniform(0.5, 1))  # noqa: S311  # so that workers do not come back in step
            self._pause = min(self._pause * 2, LONGEST_BACKOFF)
            return
        if worked:
            self._pause = SHORTEST_PAUSE
        elif busy:
            self._pause = SHORTEST_PAUSE
            self._sleep(self._pause)
        else:
            self._sleep(min(self._pause, LONGEST_PAUSE))
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _prepare(self) -> None:
        """Set up a new connection, at the start and after each loss."""
        connection.ensure_connection()
        session = connection.connection
        if session is self._session:
            return
        session_settings.prepare()
        try:
            partitions.ensure_ahead()
        # a batch makes what it needs and is missing; with a lost connection it will not come to that
        except Error as error:
            log.warning("no partitions made ahead", error=str(error))
        self._session = session

    def _recycle(self) -> None:
        """Look now and then whether a partition of the queue can be emptied of its dead rows."""
        if time.monotonic() >= self._recycle_at:
            self._recycle_at = time.monotonic() + RECYCLE_SECONDS
            if emptied := slots.recycle():
                log.info("partitions of the queue truncated", slots=emptied)

    def _round(self) -> tuple[bool, bool]:
        """Give each waiting project one turn; return whether any was processed, and whether others hold any."""
        worked = busy = False
        for project in lease.waiting():
            if self._stop.is_set():
                break
            if self._troubled.get(project.environment_id, 0) > time.monotonic():
                continue
            with lease.hold(project.environment_id) as held:
                if held:
                    worked |= self._turn(project.environment_id)
                else:
                    busy = True
        return worked, busy

    def _turn(self, environment_id: int) -> bool:
        """Process one batch of a project that this worker holds; return whether there was one."""
        try:
            return take_turn(environment_id, self._stop)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("a project's turn failed", environment_id=environment_id)
            self._troubled[environment_id] = time.monotonic() + PARKED.total_seconds()
            return False


def take_turn(environment_id: int, stop: threading.Event) -> bool:
    """Lease a batch of the project that the caller holds and process it; return whether there was anything to lease.

    Raises transient errors that lose the connection; what was leased then is taken anew.
    """
    started = time.perf_counter()
    leased, too_much = lease.take(environment_id).split()
    if not leased.rows:
        return False
    if too_much.rows:
        lease.give_back(too_much)
    partitions.ensure(leased.days)
    together = leased.only(row for row in leased.rows if not row.alone)
    if together.rows:
        process_together(together)
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
    alone = leased.only(row for row in leased.rows if row.alone)
    if alone.rows:
        process_alone(alone, stop)
    return True


def process_together(leased: Leased) -> None:
    """Give the rows their effect as one batch, or, if that fails for good, in halves, down to the row at fault.

    That one is marked to be processed alone. Raises a transient error if the session was lost, and with it the
    project's lock. (Django makes a new connection by itself when it leaves the transaction, so whether there is one
    says nothing.)
    """
    session = connection.connection
    for attempt in range(1, EFFECT_TRIES + 1):
        try:
            with _deadline():
                return effect.apply(leased)
        except lease.LeaseLost as lost:
            log.warning("lease lost", environment_id=leased.environment_id, reason=str(lost))
            return None
        except Exception as error:
            if not is_transient(error):
                return _process_halves(leased, error)
            if connection.connection is not session or session.closed:
                raise
            metrics.RETRIES.inc()
            log.warning("transient error", environment_id=leased.environment_id, error=str(error), attempt=attempt)
            time.sleep(0.05 * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
    return lease.park(leased, PARKED)


def _process_halves(leased: Leased, error: Exception) -> None:
    """Process the rows in two batches, or mark the only one: a bad event costs ten small batches, not 250 children."""
    if len(leased.rows) == 1:
        log.error("a request is to be processed alone", environment_id=leased.environment_id, exc_info=error)
        return lease.isolate(leased)
    middle = len(leased.rows) // 2
    process_together(leased.only(leased.rows[:middle]))
    return process_together(leased.only(leased.rows[middle:]))


@contextmanager
def _deadline() -> Iterator[None]:
    """End this process, with the stacks of its threads in the log, if the block takes longer than `BATCH_SECONDS`.

    A timer in C: it fires even where an extension holds the interpreter's lock.
    """
    file = sys.__stderr__
    if file is None:
        yield
        return
    faulthandler.dump_traceback_later(BATCH_SECONDS, exit=True, file=file)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
