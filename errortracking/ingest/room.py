"""Whether there is room for another request: the backlog has a bound, and the disk an end.

To count the queue for each request would cost more than the request. Each process takes a sample instead, every second
or so, and adds what it has itself accepted since. What the other processes accept meanwhile is not seen: with ``n``
processes the bounds are exceeded by at most what the others accept between two samples.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.conf import settings

from errortracking.ingest import disk, refusal
from errortracking.models import backlog
from errortracking.models.backlog import MEGABYTE, Held

log = structlog.get_logger("healthtrack.ingest")

INTERVAL: Final = 1.0  # seconds between samples
# … and as many times what taking one took: a long queue is read for a twentieth of the time at most.
_PATIENCE: Final = 20


@dataclass(slots=True)
class _Sample:
    """What waited when the sample was taken, with what this process has accepted since; ``until`` is monotonic."""

    until: float
    has_space: bool
    held: dict[int, Held]
    rows: int = field(init=False)
    bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.rows = sum(project.rows for project in self.held.values())
        self.bytes = sum(project.bytes for project in self.held.values())

    def add(self, environment_id: int, size: int) -> None:
        """Add an accepted request of ``size`` bytes. Two threads at once may lose one: it is an estimate."""
        rows, bytes_ = self.held.get(environment_id, Held(0, 0))
        self.held[environment_id] = Held(rows + 1, bytes_ + size)
        self.rows += 1
        self.bytes += size


_sample: _Sample | None = None
_taking = threading.Lock()


def check(environment_id: int) -> None:
    """Raise ``Refused`` (503, to be tried again) where no more events of this project can be taken now.

    Raises ``django.db.Error`` where the database is away.
    """
    sample = _current()
    if not sample.has_space:
        raise refusal.unavailable("disk")
    if sample.rows >= settings.MAX_BACKLOG_REQUESTS or sample.bytes >= settings.MAX_BACKLOG_MB * MEGABYTE:
        raise refusal.unavailable("backlog")
    rows, bytes_ = sample.held.get(environment_id, Held(0, 0))
    if rows >= settings.MAX_PROJECT_BACKLOG_REQUESTS or bytes_ >= settings.MAX_PROJECT_BACKLOG_MB * MEGABYTE:
        raise refusal.unavailable("project_backlog")


def taken(environment_id: int, size: int) -> None:
    """Remember that a request with a payload of ``size`` bytes was accepted."""
    if _sample is not None:
        _sample.add(environment_id, size)


def forget() -> None:
    """Forget the sample, so that the next request takes a new one (for tests that fill the queue themselves)."""
    global _sample
    _sample = None


def _current() -> _Sample:
    """Return the sample, a new one where it is too old. While one thread takes it the others go by the old one."""
    global _sample
    sample = _sample
    if sample is not None and time.monotonic() < sample.until:
        return sample
    if sample is None:
        with _taking:
            return _sample or _take()
    if not _taking.acquire(blocking=False):
        return sample
    try:
        return _take()
    finally:
        _taking.release()


def _take() -> _Sample:
    global _sample
    started = time.monotonic()
    held, space = backlog.by_project(), disk.read()
    ended = time.monotonic()
    _tell(space, had_space=_sample is None or _sample.has_space)
    _sample = _Sample(ended + max(INTERVAL, _PATIENCE * (ended - started)), space.is_enough, held)
    return _sample


def _tell(space: disk.Space, *, had_space: bool) -> None:
    """Log that the disk begins to refuse events, and that it ends: the clients are only told to try again."""
    if space.is_enough and not had_space:
        log.info("events are taken again")
    elif had_space and not space.is_enough:
        log.warning(
            "events are refused: the database has no more room",
            free_mb=None if space.free is None else space.free // MEGABYTE,
            wanted_mb=settings.MIN_FREE_DISK_MB,
            database_mb=None if space.database is None else space.database // MEGABYTE,
            most_database_mb=settings.MAX_DATABASE_MB,
        )
