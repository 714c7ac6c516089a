"""The embedded PostgreSQL as its users see it: the first one starts it, the last one stops it.

Three kernel locks in the cluster's home decide everything; no file is counted or trusted:

* ``.start.lock`` is held alone while a process starts, stops or looks at the server.
* ``.users.lock`` is shared by every process that needs the server, for its life. Whoever leaves and can have it alone
  was the last one and stops the server.
* ``.server.lock`` is held by the server's own processes, which inherit it. While it is taken, a process of that server
  lives, be it in another container; once it is free, a ``postmaster.pid`` is a left-over, whoever has that number now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from runtime.postgres import leftovers, locks, sockets
from runtime.postgres.data import DataFolder
from runtime.postgres.errors import PostgresError
from runtime.postgres.home import find_or_make
from runtime.postgres.programs import find

DATABASE = "healthtrack"
PING_SECONDS = 5
LEFTOVER_SECONDS = 5.0
"""How long the processes of a killed server have to end by themselves, which they usually do within one."""
SETTLE_SECONDS = 600.0
"""How long to wait for a server that says it is starting or stopping; a crash recovery can take minutes."""


class Cluster:
    """The PostgreSQL of one data folder. Use it as a context manager, or pair :meth:`acquire` with :meth:`release`.

    ``durable=False`` is for tests: no fsync, and data that cannot be started any more are made anew.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.home, account = find_or_make(data_dir)
        with locks.exclusive(self.home / ".start.lock"):  # it may have to copy them
            programs = find(account, self.home / "programs")
        self._data = DataFolder(self.home, programs, durable=durable)
        self._account = account
        self._share: int | None = None
        self._process = 0
        self.socket_folder: Path | None = None

    def acquire(self) -> str:
        """Start or adopt the server, count as one of its users, and return its URL. Raises :class:`PostgresError`."""
        with locks.exclusive(self.home / ".start.lock"):
            share = locks.share(self.home / ".users.lock")
            try:
                self._ensure_running()
                self._make_database()
            except BaseException:
                os.close(share)
                self._stop_if_last()
                raise
            self._share, self._process = share, os.getpid()
        return self.url

    def release(self) -> None:
        """Leave; the last user stops the server, whoever started it. Does nothing in a forked child, or twice."""
        if self._share is None or self._process != os.getpid():
            return
        share, self._share = self._share, None
        try:
            with locks.exclusive(self.home / ".start.lock"):
                # Closed, not unlocked: children that inherited the descriptor keep their share of it.
                os.close(share)
                self._stop_if_last()
        except FileNotFoundError:
            # Somebody removed the folder under the server, which notices it and ends by itself within a minute.
            return

    def ensure_running(self) -> None:
        """Start the server again if it died; cheap when it lives. For the supervisor's loop; the URL stays the same."""
        with locks.exclusive(self.home / ".start.lock"):
            self._ensure_running()

    def is_running(self) -> bool:
        """Return whether the server answers (a server that starts, stops or is gone does not)."""
        return self.socket_folder is not None and _ping(self.socket_folder) == pq.Ping.OK

    @property
    def process_id(self) -> int | None:
        """The process id of the running postmaster; ``None`` where the server does not run."""
        postmaster = self._data.postmaster()
        return postmaster[0] if postmaster and self.is_running() else None

    @property
    def url(self) -> str:
        """The ``DATABASE_URL`` of the running server."""
        return self._url(DATABASE)

    @property
    def lock_descriptor(self) -> int:
        """The descriptor of this user's share. A child that gets it (``subprocess``'s ``pass_fds``) is a user as well:
        the server outlives a killed parent for as long as such a child lives."""
        if self._share is None:
            raise RuntimeError("the cluster was not acquired")
        return self._share

    def __enter__(self) -> str:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _url(self, database: str) -> str:
        # The port is named because a PGPORT in the environment would change it.
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_folder), safe='')}&port={sockets.PORT}"

    def _ensure_running(self) -> None:
        if self._adopt():
            return
        self._clear_leftovers()
        try:
            self._data.make_if_missing()
            self._start()
        except PostgresError:
            if self._data.durable or not locks.is_free(self.home / ".server.lock"):
                raise
            self._data.forget()
            self._data.make_if_missing()
            self._start()

    def _adopt(self) -> bool:
        """Return whether a server answers; waits for one that is just starting or stopping."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while postmaster := self._data.postmaster():
            folder = postmaster[1]
            state = _ping(folder) if sockets.is_private(folder, self._account) else pq.Ping.NO_RESPONSE
            if state == pq.Ping.OK:
                self.socket_folder = folder
                return True
            if state != pq.Ping.REJECT or time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return False

    def _clear_leftovers(self) -> None:
        """See that no process works on the data. Those of a killed server end by themselves, or are ended here."""
        lock = self.home / ".server.lock"
        ended = _until(lambda: locks.is_free(lock), LEFTOVER_SECONDS)
        found = leftovers.find(self._data.path)
        postmaster = self._data.postmaster()
        if postmaster and (server := next((p for p in found if p.pid == postmaster[0]), None)):
            raise PostgresError(
                f"A PostgreSQL (process {server.pid}) works on {self._data.path} and does not answer here.\n"
                "Stop it (kill -INT and that number), then try again."
            )
        leftovers.kill(found)
        if not ended and not _until(lambda: locks.is_free(lock), LEFTOVER_SECONDS):
            raise PostgresError(
                f"{self._data.path} is in use by a PostgreSQL that cannot be reached from here: another container or\n"
                "machine works on the same folder. Stop that one, or choose another --data-dir."
            )

    def _start(self) -> None:
        folder = sockets.make(self.home, self._account)
        server_lock = locks.try_exclusive(self.home / ".server.lock")
        if server_lock is None:
            raise PostgresError(f"{self.home} is in use by another process.")
        try:
            self._data.start(folder, server_lock)
        except BaseException:
            sockets.remove(folder, self._account)
            raise
        finally:
            os.close(server_lock)
        self.socket_folder = folder

    def _make_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _stop_if_last(self) -> None:
        alone = locks.try_exclusive(self.home / ".users.lock")
        if alone is None:
            return
        try:
            folder = self.socket_folder
            if (postmaster := self._data.postmaster()) and not locks.is_free(self.home / ".server.lock"):
                folder = postmaster[1]
                self._data.stop()
                _until(lambda: locks.is_free(self.home / ".server.lock"), 10.0)
            if folder:
                sockets.remove(folder, self._account)
        finally:
            os.close(alone)


def _ping(folder: Path) -> pq.Ping:
    """Ask the server without logging in: accepting, starting or stopping, or not there at all."""
    address = f"host={folder} port={sockets.PORT} user=postgres dbname=postgres connect_timeout={PING_SECONDS}"
    return pq.Ping(pq.PGconn.ping(address.encode()))


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until ``condition`` holds; return whether it did within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held
