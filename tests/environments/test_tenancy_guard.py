"""The guard refuses SQL that does not name environment_id for every project table that it mentions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from psycopg import sql as composed

from environments.tenancy import guard, scoping, sql
from errortracking.models import Release

pytestmark = pytest.mark.django_db


@contextmanager
def refused() -> Iterator[None]:
    """Expect that the guard refuses what the block sends, and keep that out of the run's record."""
    with guard.expected(), pytest.raises(guard.UnscopedQuery):
        yield


def test_the_suite_runs_under_the_guard() -> None:
    with refused():
        Release.objects.filter(version="1").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM errortracking_release",
        "SELECT environment_id FROM errortracking_release WHERE id = 1",
        "SELECT id FROM errortracking_release ORDER BY environment_id",
        "SELECT id FROM errortracking_release GROUP BY id, environment_id",
        "SELECT id FROM errortracking_release WHERE environment_id IS NOT NULL",
        "SELECT id FROM errortracking_release WHERE version = 'environment_id = 1' -- environment_id = 1",
        "SELECT id FROM only_this, errortracking_release WHERE only_this.environment_id = 1",
        'DELETE FROM "errortracking_release" WHERE id = 1',
        'UPDATE "errortracking_release" SET "environment_id" = 1, "version" = 2 WHERE "id" = 3',
        "UPDATE errortracking_release r SET version = 2 FROM new WHERE r.id = new.id RETURNING r.environment_id",
        "WITH gone AS (DELETE FROM errortracking_event_p20261122 RETURNING 1) SELECT count(*) FROM gone",
        "INSERT INTO healthtrack_healthissue (id) VALUES (1)",
        "INSERT INTO healthtrack_healthissue VALUES (1) ON CONFLICT (environment_id) DO NOTHING",
        "COPY errortracking_event (id, payload) FROM STDIN",
        "COPY (SELECT id FROM errortracking_event) TO STDOUT",
    ],
)
def test_an_unscoped_statement_is_refused(statement: str) -> None:
    with refused():
        guard.check(statement)


@pytest.mark.parametrize(
    "statement",
    [
        # The second table is not scoped: by a join, the other way round, in a sub-select, beside it, after UNION.
        "SELECT s.id FROM errortracking_release r JOIN errortracking_symbolset s ON s.release_id = r.id"
        " WHERE r.environment_id = 1",
        "SELECT s.id FROM errortracking_release r JOIN errortracking_symbolset s ON s.release_id = r.id"
        " WHERE s.environment_id = 1",
        'SELECT 1 FROM "errortracking_release" INNER JOIN "errortracking_symbolset" ON ("errortracking_release"."id" ='
        ' "errortracking_symbolset"."release_id") WHERE "errortracking_release"."environment_id" = 1',
        "SELECT id FROM errortracking_release WHERE environment_id = 1"
        " AND id IN (SELECT release_id FROM errortracking_symbolset WHERE ref = 'a')",
        "SELECT id FROM errortracking_release WHERE id IN"
        " (SELECT release_id FROM errortracking_symbolset WHERE environment_id = 1)",
        "SELECT 1 FROM errortracking_release r, errortracking_symbolset s WHERE r.environment_id = 1 AND s.id = r.id",
        "SELECT id FROM errortracking_release WHERE environment_id = 1"
        " UNION ALL SELECT id FROM errortracking_symbolset",
        "SELECT 1 FROM errortracking_release r JOIN errortracking_symbolset s USING (environment_id, id)"
        " JOIN errortracking_stackframe f ON f.symbol_set_id = s.id WHERE r.environment_id = 1",
        "SELECT count(*) FROM errortracking_release r WHERE r.environment_id = 1"
        " AND EXISTS (SELECT FROM errortracking_symbolset s WHERE s.release_id = r.id)",
        "INSERT INTO errortracking_release (environment_id, id) SELECT 1, id FROM errortracking_symbolset",
        "UPDATE errortracking_release r SET version = 2 FROM errortracking_symbolset s"
        " WHERE s.release_id = r.id AND r.environment_id = 1",
        "DELETE FROM errortracking_release r USING errortracking_symbolset s"
        " WHERE s.release_id = r.id AND s.environment_id = 1",
        "WITH old AS (SELECT id FROM errortracking_symbolset) DELETE FROM errortracking_release USING old"
        " WHERE environment_id = 1 AND errortracking_release.id = old.id",
    ],
)
def test_a_second_table_without_a_condition_of_its_own_is_refused(statement: str) -> None:
    with refused():
        guard.check(statement)


def test_tables_that_are_only_compared_with_one_another_are_refused() -> None:
    """They stay within a project each, but nothing says which."""
    with refused():
        guard.check(
            "SELECT s.id FROM errortracking_release r JOIN errortracking_symbolset s"
            " ON s.release_id = r.id AND s.environment_id = r.environment_id"
        )
    with refused():
        guard.check("SELECT 1 FROM errortracking_release JOIN errortracking_symbolset USING (environment_id, id)")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM errortracking_release WHERE environment_id = 1",
        "SELECT id FROM errortracking_release WHERE environment_id IN (1, 2)",
        "SELECT id FROM errortracking_release WHERE environment_id = ANY(%s)",
        "SELECT id FROM errortracking_release WHERE %(environment)s = environment_id",
        "SELECT id FROM errortracking_release WHERE (environment_id, id) IN ((1, 2), (3, 4))",
        "SELECT id FROM errortracking_release WHERE (NOT hidden AND environment_id = 1) FOR UPDATE",
        'UPDATE "errortracking_release" SET "version" = 2 WHERE "environment_id" = 1 AND "id" = 3',
        "UPDATE errortracking_release r SET version = new.version FROM unnest(%s, %s) AS new(environment_id, id)"
        " WHERE r.environment_id = new.environment_id AND r.id = new.id",
        "INSERT INTO errortracking_release (environment_id, id) VALUES (1, 2)",
        "INSERT INTO errortracking_release AS r (environment_id, id) VALUES (1, 2)"
        " ON CONFLICT (environment_id, id) DO UPDATE SET version = 2 WHERE r.version = 1 RETURNING r.id",
        'INSERT INTO "errortracking_release" ("environment_id", "id") VALUES (1, 2)'
        ' RETURNING "errortracking_release"."id"',
        "COPY errortracking_event (environment_id, id, payload) FROM STDIN",
        "SELECT s.id FROM errortracking_release r JOIN errortracking_symbolset s"
        " ON s.release_id = r.id AND s.environment_id = r.environment_id WHERE r.environment_id = 1",
        "SELECT 1 FROM errortracking_release JOIN errortracking_symbolset USING (environment_id, id)"
        " WHERE environment_id = 1",
        "SELECT 1 FROM unnest(%s, %s) AS wanted(environment_id, id)"
        " JOIN errortracking_release USING (environment_id, id)",
        "SELECT id FROM errortracking_release r WHERE r.environment_id = 1 AND EXISTS"
        " (SELECT FROM errortracking_symbolset s WHERE s.environment_id = r.environment_id AND s.release_id = r.id)",
        "SELECT id FROM errortracking_release WHERE environment_id = 1"
        " AND id IN (SELECT release_id FROM errortracking_symbolset WHERE environment_id = 1)",
        "SELECT r.id FROM environments_project p JOIN errortracking_release r ON r.environment_id = p.id",
        "SELECT id FROM environments_user WHERE email = 'a'",
        "SELECT 1",
        "CREATE TABLE errortracking_event_p20261122 PARTITION OF errortracking_event DEFAULT",
    ],
)
def test_a_scoped_statement_passes(statement: str) -> None:
    guard.check(statement)


def test_maintenance_says_that_it_means_all_projects() -> None:
    with guard.maintenance("counts for the test"):
        assert Release.objects.count() == 0
    with refused():
        Release.objects.count()


def test_the_raw_cursor_is_guarded_too() -> None:
    with sql.cursor() as cursor:
        with refused():
            cursor.execute("SELECT id FROM errortracking_release")
        cursor.execute("SELECT id FROM errortracking_release WHERE environment_id = 1")
        assert cursor.fetchall() == []


@pytest.mark.parametrize("kind", ["bytes", "composed"])
def test_a_statement_may_come_as_bytes_or_composed(kind: str) -> None:
    table = composed.Identifier("errortracking_release")
    statement = composed.SQL("SELECT id FROM {}").format(table)
    with sql.cursor() as raw, refused():
        raw.execute(statement if kind == "composed" else b"SELECT id FROM errortracking_release")
    if kind == "composed":
        with connection.cursor() as cursor, refused():
            cursor.execute(statement)


class TestRecord:
    """Whoever catches every exception swallows the refusal; the file of the run keeps it."""

    @pytest.fixture
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(guard, "_file", str(tmp_path / "refusals"))
        return tmp_path / "refusals"

    def test_a_refusal_is_written_down_with_the_test_that_provoked_it(self, file: Path) -> None:
        for table in ("release", "symbolset"):
            with pytest.raises(guard.UnscopedQuery):
                guard.check(f"SELECT\nid FROM errortracking_{table}")
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        assert [row["statement"] for row in rows] == [
            "SELECT\nid FROM errortracking_release",
            "SELECT\nid FROM errortracking_symbolset",
        ]
        assert "test_a_refusal_is_written_down" in rows[0]["where"]

    def test_one_that_a_test_expects_is_not(self, file: Path) -> None:
        with refused():
            guard.check("SELECT id FROM errortracking_release")
        assert not file.exists()

    def test_what_passes_is_not(self, file: Path) -> None:
        guard.check("SELECT id FROM errortracking_release WHERE environment_id = 1")
        with guard.maintenance("looks at all for the test"):
            guard.check("SELECT id FROM errortracking_release")
        assert not file.exists()


def test_a_very_long_statement_is_looked_at_in_time() -> None:
    """Several passes over the text, none of which looks back at all of it; the suite's time limit is the judge."""
    values = ", ".join(["(environment_id)"] * 50_000)
    assert scoping.violates(f"SELECT id FROM errortracking_release WHERE id IN ({values})")
