"""Folders and processes for tests of the embedded PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from runtime.bootstrap.places import CHECKOUT
from runtime.postgres import Cluster

USER = """
import os, sys
from contextlib import contextmanager
from pathlib import Path
from runtime.postgres import Cluster
cluster = Cluster(Path(sys.argv[1]), durable=False)
print(cluster.acquire(), flush=True)
if len(sys.argv) > 2:  # a child that has the share of its parent, as the supervisor's children do
    import subprocess
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=(cluster.lock_descriptor,))
    print(child.pid, flush=True)
sys.stdin.read()
cluster.release()
"""


@pytest.fixture
def no_jobs(transactional_db: None) -> Iterator[None]:
    """Begin and end with an installation that has run nothing: no test's end empties what is not Django's."""
    _forget_jobs()
    yield
    _forget_jobs()


def _forget_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_periodic_defers")
        cursor.execute("DELETE FROM procrastinate_jobs")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's account can enter; pytest's own temporary folders are closed to it under root."""
    memory = Path("/dev/shm")  # a cluster is 40 MB; a container's 64 MB would not do
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31
    folder = Path(tempfile.mkdtemp(prefix="healthtrack-test-", dir=memory if roomy else "/var/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data folder."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A stopped cluster with the row 1 in the table ``kept``, to be copied: making one takes a second."""
    with open_folder() as folder:
        with Cluster(folder, durable=False) as url, psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (x int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        yield folder


@pytest.fixture
def filled(template: Path) -> Iterator[Path]:
    """A data folder with a stopped cluster."""
    with open_folder() as folder:
        subprocess.run(["cp", "-a", f"{template}/.", str(folder)], check=True)
        yield folder


class User:
    """Another process that uses the cluster until :meth:`leave` or :meth:`kill`."""

    def __init__(self, data_dir: Path, *, with_child: bool = False) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir), *(["child"] if with_child else [])],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._with_child = with_child
        self.url = ""
        self.child = 0

    def wait(self) -> User:
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if self._with_child:
            self.child = int(self.process.stdout.readline())
        return self

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def user() -> Iterator[Callable[..., User]]:
    """Start other processes that use a cluster; those that are left are ended."""
    started: list[User] = []

    def start(data_dir: Path, *, with_child: bool = False) -> User:
        started.append(User(data_dir, with_child=with_child))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.leave()


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in ``folder``, as the kernel tells it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if os.readlink(path) == str(folder):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
