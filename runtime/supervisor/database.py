"""The embedded PostgreSQL under the supervisor's eyes: noticed when it dies, started again, listed by ``ps``."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psutil
import structlog

from environments import clock
from runtime.postgres import Cluster, PostgresError
from runtime.supervisor import identity
from runtime.supervisor.backoff import Backoff
from runtime.supervisor.state import Row

log = structlog.get_logger("healthtrack.supervisor")

LOOK_SECONDS = 1.0  # a look is a connection without a login, about 1 ms


class DatabaseGuard:
    """Keeps the embedded server running; a ``Guard`` of the supervisor."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._backoff = Backoff()
        self._restarts = 0
        self._next_look = 0.0
        self._row: Row | None = None

    def check(self) -> bool:
        """Start the server again if it died; return whether its process is another one than before."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_SECONDS
        before = self._row
        if not self._cluster.is_running():
            self._start_again()
        self._row = self._look()
        return self._row != before

    def _start_again(self) -> None:
        log.warning("the database is down, starting it again")
        try:
            self._cluster.ensure_running()
        except (PostgresError, OSError) as error:
            pause = self._backoff.after_death(0)
            self._next_look = time.monotonic() + pause
            log.error("the database did not start", error=str(error), next_try_seconds=pause)
            return
        self._backoff = Backoff()
        self._restarts += 1

    def _look(self) -> Row | None:
        pid = self._cluster.process_id
        mark = identity.of(pid) if pid is not None else None
        if pid is None or mark is None:
            return None
        if self._row is not None and self._row.identity == mark and self._row.restarts == self._restarts:
            return self._row
        return Row("database", "database", pid, _since(pid), self._restarts, mark)

    def row(self) -> Row | None:
        """Return the server's line for ``ps``, or ``None`` while it is down."""
        return self._row


def _since(pid: int) -> str:
    try:
        moment = datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    except psutil.Error:
        moment = clock.now()
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
