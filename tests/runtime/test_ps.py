"""``manage.py ps``: what runs, and whether it really does."""

from __future__ import annotations

import json
import os
from pathlib import Path

from environments.clock import now
from runtime.supervisor import identity
from runtime.supervisor.state import Row, RunFolder
from tests.live import LiveServer


def test_ps_lists_role_pid_since_and_restarts(server: LiveServer) -> None:
    rows = server.ps()
    assert [row["role"] for row in rows] == ["supervisor", "web", "worker"]
    assert [row["name"] for row in rows] == ["supervisor", "web-1", "worker-1"]
    for row in rows:
        assert list(row) == ["role", "name", "pid", "since", "restarts"]
        assert row["since"] < now().isoformat()
        assert row["since"].endswith("Z")
        assert identity.of(row["pid"]) is not None
    assert rows[0]["restarts"] == 0


def test_the_table_holds_the_same(server: LiveServer) -> None:
    lines = [line.split() for line in server.manage("ps").stdout.splitlines()]
    assert lines[0] == ["ROLE", "NAME", "PID", "SINCE", "RESTARTS"]
    assert lines[1:] == [
        [row["role"], row["name"], str(row["pid"]), row["since"], str(row["restarts"])] for row in server.ps()
    ]


def test_where_nothing_runs_ps_says_so_and_fails(server: LiveServer, tmp_path: Path) -> None:
    for options, output in ((["--json"], "[]\n"), ([], "")):
        done = server.manage("ps", *options, "--data-dir", str(tmp_path), expect=1)
        assert done.stdout == output
        assert done.stderr.strip() == f"No server runs on the data folder {tmp_path}."


def test_a_pid_that_is_somebody_elses_by_now_is_not_listed(server: LiveServer, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.write([Row("supervisor", "supervisor", os.getpid(), "2026-11-22T06:00:00Z", 0, "of another life")])
    assert server.manage("ps", "--json", "--data-dir", str(tmp_path), expect=1).stdout == "[]\n"


def test_what_a_killed_supervisor_left_is_listed_as_such(server: LiveServer, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    mark = identity.of(os.getpid()) or ""
    folder.write([Row("web-1", "web", os.getpid(), "2026-11-22T06:00:00Z", 3, mark)])
    done = server.manage("ps", "--json", "--data-dir", str(tmp_path), expect=1)
    assert [row["restarts"] for row in json.loads(done.stdout)] == [3]
    assert "what is listed was left by a supervisor that was killed" in done.stderr


def test_ps_starts_no_database(server: LiveServer, tmp_path: Path) -> None:
    server.manage("ps", "--data-dir", str(tmp_path), expect=1, DATABASE_URL="")
    assert list(tmp_path.iterdir()) == []
