"""The real server, started the way a user starts it: ``manage.py up`` in a process of its own, on a free port.

    with live_server() as server:                       # a fresh database in the tests' PostgreSQL: fast
        requests.get(f"{server.url}/readyz")
    with live_server(embedded=True) as server:          # its own embedded PostgreSQL, as on a user's machine
        server.kill("worker")

The fixture ``server`` is one such server for the whole session (one per xdist worker): tests that share it make
projects of their own with ``server.bootstrap(email=…)``. Whatever a test does, nothing is left: the server dies with
the test process (it holds the server's lifeline), its data folder and its database are removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import sql

from environments.tenancy import guard
from runtime.supervisor import identity, lifeline
from runtime.supervisor.state import RunFolder

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
PATIENCE = 60.0
T = TypeVar("T")
_numbers = count(1)


class LiveServer:
    """One ``manage.py up``, which may be stopped and started again on the same data."""

    def __init__(self, folder: Path, environment: Mapping[str, str | None], *options: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = 0
        self._options = options
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HEALTHTRACK_") or k == guard.FILE},
            "HEALTHTRACK_DATA_DIR": str(self.data),
            "HEALTHTRACK_SQL_GUARD": "1",
            "HEALTHTRACK_FETCH_SOURCE_MAPS": "off",  # events of tests name hosts that are not there
        }
        for name, value in environment.items():
            self._environment.pop(name, None)
            if value is not None:
                self._environment[name] = value
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    # ---- start and stop

    def start(self, wait: bool = True) -> LiveServer:
        """Start the server and wait until it says that it is ready. The port stays the same at later starts."""
        reader, self._lifeline = os.pipe()
        with open(self.folder / "out", "wb") as out, open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(MANAGE), "up", "--port", str(self.port), *self._options],
                env={**self._environment, lifeline.VARIABLE: str(reader)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                pass_fds=(reader,),
                start_new_session=True,
            )
        os.close(reader)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait for the line that says so."""
        self.until(lambda: "Healthtrack is ready." in self.output or self._ended())
        if self._ended():
            raise AssertionError(f"the server ended with {self.exit_code}:\n{self.output}\n{self.log[-4000:]}")
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the supervisor, wait for its end and return its exit code."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        return self.wait_end()

    def wait_end(self) -> int:
        """Wait until the supervisor has ended by itself and return its exit code."""
        assert self._process is not None
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            error.add_note(f"{self.output}\n{self.log[-4000:]}")
            raise

    def clean_up(self) -> None:
        """End whatever is left, however the test ended."""
        if self._process is not None and not self._ended():
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        left = {row.pid: row.identity for row in RunFolder(self.data).read()}
        identity.end(left, polite_seconds=10.0)

    # ---- what it says

    @property
    def output(self) -> str:
        """Everything the last start wrote to standard output."""
        return (self.folder / "out").read_text()

    @property
    def log(self) -> str:
        """Everything written to standard error since the first start."""
        return (self.folder / "log").read_text()

    @property
    def url(self) -> str:
        """The address that ``up`` printed, without a slash at the end."""
        found = re.search(r"API\s+(http://[^/\s]+)/", self.output)
        assert found, self.output
        return found[1]

    @property
    def exit_code(self) -> int | None:
        """The supervisor's exit code; ``None`` while it runs."""
        return self._process.returncode if self._process else None

    @property
    def database_url(self) -> str | None:
        """The database that the server was given; ``None`` where it embeds one."""
        return self._environment.get("DATABASE_URL")

    # ---- commands beside it

    def manage(self, *arguments: str, expect: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another ``manage.py`` command on the same data and return what came of it."""
        done = subprocess.run(
            [sys.executable, str(MANAGE), *arguments],
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert expect is None or done.returncode == expect, done.stdout + done.stderr
        return done

    def ps(self) -> list[dict[str, Any]]:
        """Return what ``ps --json`` prints."""
        rows: list[dict[str, Any]] = json.loads(self.manage("ps", "--json", expect=None).stdout)
        return rows

    def bootstrap(self, **options: str) -> dict[str, Any]:
        """Return what ``bootstrap --json`` prints, for ``email=``, ``password=``, ``project=``, ``scopes=``."""
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        made: dict[str, Any] = json.loads(self.manage("bootstrap", "--json", *words).stdout)
        return made

    # ---- its processes

    def pids(self, role: str) -> list[int]:
        """Return the living processes of a role: supervisor, database, web, worker."""
        return [row.pid for row in RunFolder(self.data).read() if row.role == role]

    def kill(self, role: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one process of a role, ``kill -9`` by default, and return its pid."""
        pid = self.until(lambda: next(iter(self.pids(role)), None))
        os.kill(pid, number)
        return pid

    def wait_replaced(self, role: str, pid: int) -> int:
        """Wait until a process of the role runs that is not ``pid``, and none that is; return its pid."""
        return self.until(lambda: next(iter(pids), None) if pid not in (pids := self.pids(role)) else None)

    def until(self, question: Callable[[], T | None]) -> T:
        """Ask until the answer is true and return it; fail after ``PATIENCE``."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.02)
        raise AssertionError(f"waited {PATIENCE:g} s in vain; the log ends:\n{self.log[-4000:]}")

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


@contextmanager
def live_server(
    *options: str, embedded: bool = False, web: int = 1, workers: int = 1, start: bool = True, **environment: str | None
) -> Iterator[LiveServer]:
    """Yield a running server; keyword arguments in capitals go to its environment (``None`` takes a variable away)."""
    folder = Path(tempfile.mkdtemp(prefix="healthtrack-live-"))
    folder.chmod(0o711)  # under root the database runs as another account, which must get through
    with fresh_database(skip=embedded) as url:
        words = ["--web", str(web), "--workers", str(workers), *options]
        server = LiveServer(folder, {"DATABASE_URL": url, **environment}, *words)
        try:
            yield server.start() if start else server
        finally:
            server.clean_up()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(*, skip: bool = False) -> Iterator[str | None]:
    """Yield the URL of a new, empty database in the PostgreSQL of this test run, dropped afterwards."""
    if skip:
        yield None
        return
    base = os.environ["DATABASE_URL"]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{os.environ['HEALTHTRACK_TEST_DATABASE']}_live_{worker}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield re.sub(r"^(\w+://[^/]*/)[^?]*", lambda match: match[1] + name, base)
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def server() -> Iterator[LiveServer]:
    """A running server for the whole session, with a database of its own. It must be left running and healthy."""
    with live_server() as running:
        yield running
