"""The database as the server needs it: told in words where it is not."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from runtime import schema
from tests.live import fresh_database

MIGRATE = """
import django; django.setup()
from runtime import schema
print(schema.pending(), flush=True)
schema.migrate()
print(schema.pending())
"""


def migrate(url: str | None) -> subprocess.CompletedProcess[str]:
    environment = {"DATABASE_URL": url or "", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run(
        [sys.executable, "-c", MIGRATE], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_three_processes_that_migrate_at_once_do_it_once() -> None:
    with fresh_database() as url:
        with ThreadPoolExecutor(3) as pool:
            done = list(pool.map(migrate, [url] * 3))
        assert [each.returncode for each in done] == [0, 0, 0], [each.stderr for each in done]
        assert all(each.stdout.endswith("False\n") for each in done)
        assert migrate(url).stdout == "False\nFalse\n"
        with psycopg.connect(url or "") as other:
            row = other.execute("SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations").fetchone()
            assert row is not None
            assert row[0] == row[1] > 10
            locks = other.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
            assert locks == (0,)


def test_a_migration_that_the_database_refuses_is_told_in_words() -> None:
    with fresh_database() as url:
        with psycopg.connect(url or "", autocommit=True) as other:
            other.execute("CREATE TABLE environments_user (nothing int)")
        done = migrate(url)
    assert done.returncode == 1
    assert "DatabaseProblem: The database failed while it was brought up to date: " in done.stderr
    assert 'relation "environments_user" already exists' in done.stderr


@pytest.mark.django_db
def test_a_server_that_is_too_old_is_refused_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.check()
    monkeypatch.setitem(connection.__dict__, "pg_version", 140011)
    with pytest.raises(schema.DatabaseProblem, match="The database server is PostgreSQL 14; 15 or newer is needed"):
        schema.check()
