"""``manage.py worker`` on its own, as on a second machine with the same database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import requests

from tests.live import MANAGE, LiveServer, live_server


@contextmanager
def worker(server: LiveServer, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a worker beside ``server``; its log goes to the server's."""
    with open(server.folder / "log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(MANAGE), "worker"],
            env={**server._environment, **environment},
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def send(server: LiveServer, made: dict[str, Any], number: int) -> None:
    event = {"event": f"visit {number}", "distinct_id": "d", "properties": {"$lib": "test"}}
    answer = requests.post(f"{server.url}/batch/", json={"api_key": made["project_token"], "batch": [event]})
    assert answer.status_code == 200, answer.text


def waiting(server: LiveServer) -> int:
    found: int = requests.get(f"{server.url}/readyz").json()["checks"]["backlog"]["requests"]
    return found


def tasks_running(server: LiveServer) -> int:
    """Return how many task runners have said that they are there: a worker has one for each of its three queues."""
    with psycopg.connect(server.database_url or "") as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
    return int(row[0]) if row else 0


def test_a_worker_alone_processes_what_was_accepted_and_ends_when_asked() -> None:
    with live_server(workers=0) as server:
        made = server.bootstrap()
        for number in range(5):
            send(server, made, number)
        assert waiting(server) == 5
        for number in (signal.SIGTERM, signal.SIGINT):
            with worker(server) as process:
                server.until(lambda: waiting(server) == 0 and tasks_running(server) == 3)
                process.send_signal(number)
                assert process.wait(30) == 0
            assert tasks_running(server) == 0, "it left the list of task runners in order"
            send(server, made, 6)
        outcomes = requests.get(f"{server.url}/metrics").text
        assert 'healthtrack_outcomes_total{outcome="counted"} 6.0' in outcomes


def test_a_worker_waits_for_a_database_that_is_not_migrated_yet() -> None:
    with live_server(start=False, workers=0) as server:
        (server.folder / "log").touch()
        with worker(server) as process:
            server.until(
                lambda: '"reason": "migrations are pending", "event": "waiting for the database"' in server.log
            )
            server.start()
            server.until(lambda: '"event": "working"' in server.log)
            assert process.poll() is None


def test_a_worker_that_waits_for_a_database_can_be_stopped() -> None:
    with live_server(start=False) as server:
        (server.folder / "log").touch()
        with worker(server, DATABASE_URL="postgresql://me:geheim@127.0.0.1:1/x") as process:
            server.until(lambda: "waiting for the database" in server.log)
            process.terminate()
            assert process.wait(30) == 0
        assert "geheim" not in server.log


def test_a_worker_whose_tasks_die_ends_with_an_error_so_that_it_is_started_again() -> None:
    with live_server() as server:
        [before] = server.pids("worker")
        server.until(lambda: tasks_running(server) == 3)
        with psycopg.connect(server.database_url or "", autocommit=True) as connection:
            # What the task runner writes its heartbeat to is gone; the pipeline does not need it.
            connection.execute("ALTER TABLE procrastinate_workers RENAME TO gone")
            after = server.wait_replaced("worker", before)
            connection.execute("ALTER TABLE gone RENAME TO procrastinate_workers")
        assert after != before
        server.until(lambda: tasks_running(server) >= 1)


def test_a_database_that_refuses_everybody_is_a_503_and_afterwards_all_goes_on() -> None:
    with live_server() as server:
        made = server.bootstrap()
        name = re.sub(r".*/([^/?]*).*", r"\1", (server.database_url or ""))
        api = f"{server.url}/api/environments/{made['environment_id']}/error_tracking/releases/"
        key = {"Authorization": f"Bearer {made['personal_api_key']}"}
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            try:
                for _ in range(20):
                    ingest = requests.post(f"{server.url}/e/", json={"api_key": made["project_token"], "event": "x"})
                    assert requests.get(f"{server.url}/livez").status_code == 200
                    assert requests.get(f"{server.url}/readyz").status_code == 503
                    assert requests.get(f"{server.url}/metrics").status_code == 200
                    answer = requests.get(api, headers=key)
                    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
                    assert answer.headers["Retry-After"] == "5"
                event = {"api_key": made["project_token"], "event": "x", "distinct_id": "d"}
                ingest = requests.post(f"{server.url}/e/", json=event, headers={"Origin": "https://shop.example"})
                assert (ingest.status_code, ingest.text) == (503, "transient error, please retry")
                assert ingest.headers["Access-Control-Allow-Origin"] == "https://shop.example"
                assert requests.get(f"{server.url}/admin/login/").status_code in (200, 503)
            finally:
                connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        server.until(lambda: requests.get(f"{server.url}/readyz").status_code == 200)
        assert requests.get(api, headers=key).status_code == 200
        send(server, made, 1)
        server.until(lambda: waiting(server) == 0)
