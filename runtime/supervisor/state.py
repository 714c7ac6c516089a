"""What runs on a data folder: the lock that keeps a second ``up`` out, and the file that ``ps`` reads."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.supervisor import identity


class AlreadyRunning(Exception):
    """Another ``up`` runs on the same data folder."""


@dataclass(frozen=True)
class Row:
    """One process: what it does, since when (ISO 8601, UTC), and how often it was started again."""

    name: str
    role: str
    pid: int
    since: str
    restarts: int
    identity: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return identity.is_same(self.pid, self.identity)


class RunFolder:
    """``<data folder>/run``: holds nothing that outlives the processes it speaks of."""

    def __init__(self, data: Path) -> None:
        self.path = data / "run"
        self.processes = self.path / "processes.json"
        self.metrics = self.path / "metrics"
        self.url = self.path / "url"
        self._lock: int | None = None

    def lock(self) -> None:
        """Make the folder and take its lock for the life of this process.

        Raises ``AlreadyRunning`` where another process holds it and ``OSError`` where the folder cannot be written.
        The kernel drops the lock when the process ends, so nothing of it can be stale.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise AlreadyRunning from error
        self._lock = descriptor

    def unlock(self) -> None:
        """Give the lock back and forget the processes: all have ended."""
        self.processes.unlink(missing_ok=True)
        self.url.unlink(missing_ok=True)
        shutil.rmtree(self.metrics, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def note_url(self, url: str) -> None:
        """Leave where the server listens for the links of commands (``config.env.site_url``), which do without."""
        with contextlib.suppress(OSError):  # a full disk
            self.url.write_text(url, encoding="utf-8")

    def empty_metrics(self) -> Path:
        """Return the folder of the metrics of all web processes, emptied: counters begin at zero with each ``up``."""
        shutil.rmtree(self.metrics, ignore_errors=True)
        self.metrics.mkdir(mode=0o700)
        return self.metrics

    def write(self, rows: list[Row]) -> None:
        """Replace the list of processes in one step: a reader sees the old one or the new one, never a half."""
        descriptor, name = tempfile.mkstemp(dir=self.path, prefix=".processes-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump([asdict(row) for row in rows], file)
            os.replace(name, self.processes)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def read(self) -> list[Row]:
        """Return the noted processes that still live; an unreadable or foreign file counts as none."""
        try:
            rows = [Row(**row) for row in json.loads(self.processes.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            return []
        return [row for row in rows if row.alive]

    def end_leftovers(self) -> list[int]:
        """End what a supervisor that was killed left behind (the database aside, which the next start takes over).

        To be called with the lock held. Returns the pids.
        """
        leftovers = {row.pid: row.identity for row in self.read() if row.role not in {"database", "supervisor"}}
        return identity.end(leftovers, polite_seconds=3.0)
