"""The doctor's checks of the database and of what waits in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from environments import clock
from environments.ids import uuid7
from errortracking.models import QueuedRequest, SetAsideEvent, partitions
from runtime.operations.doctor import database, work
from runtime.operations.doctor.report import Finding
from runtime.supervisor import identity
from runtime.supervisor.state import Row, RunFolder
from tests.environments.world import make_world

pytestmark = pytest.mark.django_db


def found(check: Callable[[], Iterable[Finding]]) -> tuple[str, str, str]:
    """Return state, text and remedy of the one finding of a check."""
    (one,) = check()
    assert (one.state in {"ok", "note"}) or one.fix
    return one.state, one.text, one.fix


CLOCKS = {
    f"The clocks of this machine and of the database server differ by {seconds}" for seconds in ("29.9 s", "30.0 s")
}


def execute(statement: str, *parameters: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_the_database_says_its_version_and_size() -> None:
    state, text, _ = found(database.reach)
    assert state == "ok"
    assert text.startswith(f"PostgreSQL {connection.pg_version // 10_000}.")  # type: ignore[attr-defined]
    assert " MB." in text


def test_why_there_is_no_embedded_database_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(database.PROBLEM, "It does not start.")
    assert found(database.reach)[:2] == ("wrong", "It does not start.")


def test_migrations_are_applied_missing_or_newer() -> None:
    assert found(database.migrations)[:2] == ("ok", "All are applied.")
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('gone_app', '0001_initial', clock_timestamp())")
    assert found(database.migrations)[0] == "ok"  # of an app that is no more: harmless
    execute("INSERT INTO django_migrations (app, name, applied) VALUES ('runtime', '9999_x', clock_timestamp())")
    execute("UPDATE django_migrations SET app = 'errortracking' WHERE name = '9999_x'")
    state, text, _ = found(database.migrations)
    assert (state, "errortracking.9999_x" in text) == ("wrong", True)
    execute("DELETE FROM django_migrations WHERE name = '9999_x' OR name = '0005_queue_slots'")
    state, text, fix = found(database.migrations)
    assert (state, text[:28]) == ("wrong", "1 migrations are not applied")
    assert "manage.py migrate" in fix


def test_a_server_that_may_lose_what_it_committed_is_wrong() -> None:
    """The tests' own is one: it does without fsync."""
    state, text, _ = found(database.durability)
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        assert cursor.fetchone() == ("off",)
    assert (state, "fsync, full_page_writes, synchronous_commit off" in text) == ("wrong", True)


def test_clocks_that_differ_are_wrong() -> None:
    assert found(database.clocks)[0] == "ok"
    for apart in (timedelta(seconds=-30), timedelta(seconds=30)):
        execute("SELECT pg_stat_clear_snapshot()")  # the test's own transaction has looked already
        with clock.stopped_at(clock.now() + apart):
            state, text, _ = found(database.clocks)
        assert (state, text[:70] in CLOCKS) == ("wrong", True), text


def test_the_coming_days_need_partitions() -> None:
    now = clock.now()
    partitions.ensure_ahead()
    assert found(database.days_ahead)[0] == "ok"
    with clock.stopped_at(now + timedelta(days=5)):
        assert found(database.days_ahead)[0] == "ok"
    with clock.stopped_at(now + timedelta(days=6)):
        state, text, _ = found(database.days_ahead)
    day = partitions.utc_day(now + timedelta(days=8))
    assert (state, text.split(".")[0]) == ("wrong", f"errortracking_event has no partition for {day}")


def test_few_connections_left_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    state, text, _ = found(database.room_for_connections)
    assert (state, text.endswith(" of 297 are open.")) == ("ok", True)
    monkeypatch.setattr(database, "MOST_CONNECTIONS", 0.0)
    assert found(database.room_for_connections)[0] == "wrong"


def test_a_forgotten_transaction_is_wrong_and_a_backup_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLD_TRANSACTION", timedelta())
    deadline = time.monotonic() + 30
    while found(database.old_transactions)[0] != "ok":  # an autovacuum's is one, too
        assert time.monotonic() < deadline
        execute("SELECT pg_stat_clear_snapshot()")
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    for name, expected in (("psql", "wrong"), ("pg_dump", "note")):
        with psycopg.connect(url, application_name=name) as other:
            other.execute("SELECT 1")
            execute("SELECT pg_stat_clear_snapshot()")  # the test's own transaction has looked already
            state, text, fix = found(database.old_transactions)
            assert state == expected
            if expected == "wrong":
                assert f"One of psql (process {other.info.backend_pid} of the server)" in text
                assert f"pg_terminate_backend({other.info.backend_pid})" in fix


# ---- what waits


def wait(age: timedelta) -> None:
    QueuedRequest.objects.create(
        environment_id=make_world().project.pk, received_at=clock.now() - age, events=1, bytes=2**20, payload=b"x"
    )


def test_a_backlog_is_wrong_when_it_is_old() -> None:
    assert found(work.waiting)[:2] == ("ok", "Nothing waits.")
    wait(timedelta(seconds=5))
    assert found(work.waiting)[:2] == ("ok", "1 requests wait (1.0 MB), the oldest for 5 s.")
    wait(timedelta(minutes=7))
    state, text, _ = found(work.waiting)
    assert (state, text[:52]) == ("wrong", "2 requests wait (2.0 MB), the oldest for 7 minutes. ")


def test_a_backlog_is_wrong_when_it_is_beyond_its_bound(settings: LazySettings) -> None:
    settings.MAX_BACKLOG_REQUESTS = 1
    wait(timedelta())
    assert found(work.waiting)[0] == "ok"
    wait(timedelta())
    state, text, _ = found(work.waiting)
    assert (state, "events are refused with 503" in text) == ("wrong", True)


def test_events_set_aside_are_wrong() -> None:
    assert found(work.set_aside)[0] == "ok"
    SetAsideEvent.objects.create(
        environment_id=make_world().project.pk, event_uuid=uuid7(), received_at=clock.now(), reason="x", payload=b"x"
    )
    state, text, fix = found(work.set_aside)
    assert (state, text[:40]) == ("wrong", "1 events could not be processed and are ")
    assert "manage.py replay --list" in fix


def test_tasks_that_failed_are_wrong() -> None:
    assert found(work.tasks)[0] == "ok"
    insert = "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', %s, %s)"
    for name, status in (("a.daily", "failed"), ("a.daily", "failed"), ("b.daily", "failed"), ("c", "succeeded")):
        execute(insert, name, status)
    assert found(work.tasks)[:2] == ("wrong", "Tasks failed for good: a.daily (2), b.daily (1).")


# ---- what runs


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """The run folder of a data folder where nothing runs."""
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(tmp_path))
    execute("DELETE FROM procrastinate_workers")
    folder = RunFolder(tmp_path)
    folder.path.mkdir()
    return folder


def row(role: str, restarts: int = 0) -> Row:
    """A row of a process that lives: this one."""
    return Row(f"{role}-1", role, os.getpid(), "2026-03-01", restarts, identity.of(os.getpid()) or "")


def test_nothing_that_runs_is_wrong_and_so_is_no_worker(run: RunFolder) -> None:
    state, text, fix = found(work.processes)
    assert (state, text[:30], fix) == ("wrong", "Nothing runs on this database:", "Start the server: manage.py up")
    run.write([row("web")])
    assert found(work.processes)[:2] == ("wrong", "No worker runs: events are accepted, and wait.")
    run.write([row("worker")])
    assert found(work.processes)[0] == "note"
    run.write([row("web"), row("worker")])
    assert found(work.processes)[0] == "ok"


def test_workers_of_other_machines_are_known_by_their_sign_of_life(run: RunFolder) -> None:
    run.write([row("web")])
    execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp() - interval '2 minutes')")
    assert found(work.processes)[0] == "wrong"
    execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (clock_timestamp() - interval '20 seconds')")
    state, text, _ = found(work.processes)
    assert (state, "(workers: 1; on this machine 0, and 1 web)" in text) == ("ok", True)


def test_a_process_that_keeps_dying_is_wrong(run: RunFolder) -> None:
    run.write([row("web", 2), row("worker", 0)])
    assert found(work.restarts)[0] == "ok"
    run.write([row("web", 2), row("worker", 3)])
    assert found(work.restarts)[:2] == (
        "wrong",
        "worker-1 was started again 3 times since the server was started.",
    )
