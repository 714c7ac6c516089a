"""Whatever was killed or interrupted, the next start works; what is not ours to mend is refused with what to do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from runtime.postgres import Cluster, PostgresError, locks
from runtime.postgres import cluster as cluster_module
from runtime.postgres.locks import is_free
from tests.runtime.conftest import processes_in


def rows(url: str) -> list[tuple[int]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT x FROM kept ORDER BY x").fetchall()


def test_a_killed_server_is_started_again_under_the_same_url_with_every_committed_row(filled: Path) -> None:
    cluster = Cluster(filled)
    with cluster as url:
        for number in (2, 3):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("INSERT INTO kept VALUES (%s)", [number])
            server = cluster.process_id
            assert server is not None
            os.kill(server, signal.SIGKILL)
            while cluster.is_running():
                pass
            assert cluster.process_id is None
            cluster.ensure_running()
            assert cluster.url == url
            assert cluster.process_id not in (None, server)
        assert rows(url) == [(1,), (2,), (3,)]
    assert processes_in(filled / "postgresql" / "data") == []


def test_ensuring_a_server_that_runs_does_not_touch_it(filled: Path) -> None:
    cluster = Cluster(filled)
    with cluster:
        before = cluster.process_id
        cluster.ensure_running()
        assert cluster.process_id == before


def test_a_backend_that_outlives_its_killed_server_is_ended_before_the_next_start(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "LEFTOVER_SECONDS", 0.5)
    cluster = Cluster(filled)
    with cluster as url:
        connection = psycopg.connect(url)
        pid = connection.info.backend_pid

        def compute() -> None:  # never waits for anything, so it does not notice that the server is gone
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT count(*) FROM generate_series(1, 2000000000) a WHERE a % 7 = 8")

        thread = threading.Thread(target=compute)
        thread.start()
        with psycopg.connect(url, autocommit=True) as other:
            while other.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() != ("active",):
                pass
        assert cluster.process_id is not None
        os.kill(cluster.process_id, signal.SIGKILL)
        cluster.ensure_running()
        thread.join(timeout=30)
        assert not thread.is_alive()
        assert rows(url) == [(1,)]


def test_a_left_over_pid_file_that_names_a_living_process_does_not_prevent_the_start(filled: Path) -> None:
    pid_file = filled / "postgresql" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{pid_file.parent}\n1700000000\n5432\n/nonexistent\n\n  1  2\nready\n")
    pid_file.chmod(0o600)
    owner = pid_file.parent.stat()
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    with Cluster(filled) as url:
        assert rows(url) == [(1,)]


@pytest.mark.parametrize("content", ["", "not a number\n", "17\n"])
def test_a_damaged_pid_file_does_not_prevent_the_start(filled: Path, content: str) -> None:
    (filled / "postgresql" / "data" / "postmaster.pid").write_text(content)
    with Cluster(filled) as url:
        assert rows(url) == [(1,)]


def test_an_initdb_that_was_interrupted_is_begun_anew(data_dir: Path) -> None:
    Cluster(data_dir)  # makes the home
    half = data_dir / "postgresql" / "data.new-interrupted"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with Cluster(data_dir) as url:
        assert psycopg.connect(url).execute("SELECT current_database()").fetchone() == ("healthtrack",)
    assert not half.exists()


def test_what_an_interrupted_initdb_left_running_does_not_hinder_the_next(data_dir: Path) -> None:
    half = data_dir / "postgresql" / "data.new-interrupted"
    Cluster(data_dir)  # makes the home
    half.mkdir()
    program = "import pathlib, sys, itertools\nfor n in itertools.count(): p = pathlib.Path(sys.argv[1], str(n % 50)); "
    program += "p.parent.mkdir(exist_ok=True); p.touch()"
    with subprocess.Popen([sys.executable, "-c", program, str(half)]) as writer:
        try:
            with Cluster(data_dir) as url:
                assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
        finally:
            writer.kill()


def test_data_of_another_major_version_are_refused_with_what_to_do_and_not_touched(filled: Path) -> None:
    data = filled / "postgresql" / "data"
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresError) as refused:
        Cluster(filled).acquire()
    text = str(refused.value)
    assert f"{data} holds the data of PostgreSQL 17; the programs here are PostgreSQL 18" in text
    assert "Nothing was changed." in text
    for way in ("HEALTHTRACK_POSTGRES_BIN", "pg_dump", "pg_restore", "another --data-dir"):
        assert way in text
    (data / "PG_VERSION").write_text("18\n")
    with Cluster(filled) as url:
        assert rows(url) == [(1,)]


def test_a_folder_that_holds_something_else_is_refused_and_not_touched(data_dir: Path) -> None:
    Cluster(data_dir)
    (data_dir / "postgresql" / "data").mkdir()
    (data_dir / "postgresql" / "data" / "letter.txt").write_text("dear reader")
    for durable in (True, False):
        with pytest.raises(PostgresError, match="is not a PostgreSQL data folder"):
            Cluster(data_dir, durable=durable).acquire()
    assert (data_dir / "postgresql" / "data" / "letter.txt").read_text() == "dear reader"


def spoil(data_dir: Path) -> None:
    (data_dir / "postgresql" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)


def test_damaged_data_are_kept_and_the_log_says_what_is_wrong(filled: Path) -> None:
    spoil(filled)
    with pytest.raises(PostgresError, match=re.compile("did not start.*PG_CONTROL_VERSION 0", re.DOTALL)):
        Cluster(filled).acquire()
    assert (filled / "postgresql" / "data" / "PG_VERSION").read_text() == "18\n"
    assert is_free(filled / "postgresql" / ".users.lock")


def test_damaged_data_of_a_cluster_for_tests_are_made_anew(filled: Path) -> None:
    spoil(filled)
    with Cluster(filled, durable=False) as url, pytest.raises(psycopg.errors.UndefinedTable):
        rows(url)


def test_a_server_that_somebody_started_by_hand_is_left_alone(filled: Path) -> None:
    cluster = Cluster(filled)
    programs, data = cluster._data.programs, filled / "postgresql" / "data"
    sockets = filled / "sockets"
    sockets.mkdir(mode=0o755)
    programs.account.own(sockets)
    options = f"-c listen_addresses='' -c unix_socket_directories={sockets}"
    started = programs.run("pg_ctl", "start", "-D", str(data), "-w", "-l", "/dev/null", "-o", options)
    assert started.returncode == 0, started.stderr
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        with pytest.raises(PostgresError, match=f"A PostgreSQL \\(process {pid}\\) works on"):
            cluster.acquire()
        assert pid in processes_in(data)
    finally:
        programs.run("pg_ctl", "stop", "-D", str(data), "-w", "-m", "fast")


def test_leaving_a_cluster_whose_folder_was_removed_is_no_error(data_dir: Path) -> None:
    cluster = Cluster(data_dir, durable=False)
    cluster.acquire()
    server, folder = cluster.process_id, cluster.socket_folder
    assert server is not None
    assert folder is not None
    shutil.rmtree(data_dir / "postgresql")
    cluster.release()
    os.kill(server, signal.SIGQUIT)  # the server would find out by itself, within a minute
    while folder.exists() and list(folder.iterdir()):
        pass
    folder.rmdir()


def test_a_server_that_cannot_be_reached_from_here_is_not_doubled(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server in another container has the lock, and neither its socket nor its processes are seen."""
    monkeypatch.setattr(cluster_module, "LEFTOVER_SECONDS", 0.1)
    lock = filled / "postgresql" / ".server.lock"
    cluster = Cluster(filled)
    holder = locks.share(lock)
    try:
        with pytest.raises(PostgresError, match="another container or\nmachine works on the same folder"):
            cluster.acquire()
    finally:
        os.close(holder)
