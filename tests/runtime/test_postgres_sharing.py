"""Several commands share one embedded PostgreSQL: the first starts it, the last stops it, whoever was killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from runtime.postgres import Cluster
from runtime.postgres.locks import is_free
from tests.runtime.conftest import User, processes_in


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def is_stopped(data_dir: Path) -> bool:
    home = data_dir / "postgresql"
    return is_free(home / ".server.lock") and not processes_in(home / "data")


def test_a_cluster_answers_while_it_is_held_and_nothing_of_it_is_left_afterwards(filled: Path) -> None:
    cluster = Cluster(filled, durable=False)
    url = cluster.acquire()
    folder = cluster.socket_folder
    assert answers(url)
    assert folder is not None
    assert folder.stat().st_mode & 0o777 == 0o700
    cluster.release()
    assert not answers(url)
    assert is_stopped(filled)
    assert not folder.exists()


def test_rows_are_there_after_a_stop_and_a_start(filled: Path) -> None:
    with Cluster(filled) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO kept VALUES (42)")
    with Cluster(filled) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT x FROM kept").fetchall() == [(1,), (42,)]


def test_a_durable_cluster_writes_to_the_disk_and_one_for_tests_does_not(filled: Path) -> None:
    with Cluster(filled) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    with Cluster(filled, durable=False) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_the_server_lives_until_the_last_user_leaves_whoever_started_it(
    filled: Path, user: Callable[..., User]
) -> None:
    starter, second = user(filled).wait(), user(filled).wait()
    assert starter.url == second.url
    starter.leave()
    assert answers(second.url)
    second.leave()
    assert is_stopped(filled)


def test_processes_that_start_at_once_on_an_empty_folder_share_one_server(
    data_dir: Path, user: Callable[..., User]
) -> None:
    users = [user(data_dir) for _ in range(5)]
    urls = {each.wait().url for each in users}
    assert len(urls) == 1
    assert answers(urls.pop())
    for each in users:
        each.leave()
    assert is_stopped(data_dir)


def test_after_the_only_user_was_killed_the_next_one_adopts_the_server_and_stops_it(
    filled: Path, user: Callable[..., User]
) -> None:
    first = user(filled).wait()
    server = Cluster(filled, durable=False)
    first.kill()
    assert answers(first.url)
    before = psycopg.connect(first.url).execute("SELECT pg_postmaster_start_time()").fetchone()
    url = server.acquire()
    assert url == first.url
    assert psycopg.connect(url).execute("SELECT pg_postmaster_start_time()").fetchone() == before
    server.release()
    assert is_stopped(filled)


def test_a_child_that_inherited_the_share_keeps_the_server_when_its_parent_is_killed(
    filled: Path, user: Callable[..., User]
) -> None:
    parent = user(filled, with_child=True).wait()
    parent.kill()
    with Cluster(filled, durable=False) as url:
        pass
    assert answers(url), "the child still needs it"
    os.kill(parent.child, signal.SIGKILL)
    with Cluster(filled, durable=False):
        pass
    assert is_stopped(filled)


def test_leaving_twice_and_leaving_in_a_forked_child_change_nothing(filled: Path) -> None:
    cluster = Cluster(filled, durable=False)
    url = cluster.acquire()
    child = os.fork()
    if child == 0:
        cluster.release()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert answers(url)
    cluster.release()
    cluster.release()
    assert is_stopped(filled)


def test_asking_for_the_share_before_the_cluster_is_held_is_a_mistake_that_is_told(filled: Path) -> None:
    with pytest.raises(RuntimeError, match="not acquired"):
        _ = Cluster(filled, durable=False).lock_descriptor
