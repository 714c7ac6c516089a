"""``manage.py backup``: one snapshot in one file, complete or not there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import psycopg
import pytest

from runtime.operations import backup as making
from runtime.operations import clients, tables
from runtime.operations.archive import Manifest
from runtime.operations.errors import OperationFailed
from tests.live import LiveServer
from tests.runtime.restoring import backup, contents, empty, execute, installation, used

__all__ = ["empty", "used"]


def manifest_of(path: Path) -> Manifest:
    with tarfile.open(path) as archive:
        found = archive.extractfile("manifest.json")
        assert found is not None
        return Manifest(**json.load(found))


def test_a_backup_says_how_many_rows_each_table_has(used: LiveServer, tmp_path: Path) -> None:
    manifest = manifest_of(backup(used, tmp_path))
    held = contents(used)
    assert manifest.tables == {table: len(rows) for table, rows in held.items()}
    assert manifest.tables["public.environments_user"] == 1
    assert manifest.tables["public.errortracking_issue"] >= 3
    assert manifest.rows == sum(map(len, held.values()))
    assert "errortracking.0005_queue_slots" in manifest.migrations


def test_it_is_a_tar_with_a_dump_that_pg_restore_reads(used: LiveServer, tmp_path: Path) -> None:
    subprocess.run(["tar", "xf", backup(used, tmp_path)], cwd=tmp_path, check=True)
    assert (tmp_path / "database.dump").read_bytes()[:5] == b"PGDMP"
    listed = used.manage("pg", "pg_restore", "--list", str(tmp_path / "database.dump")).stdout
    assert "TABLE DATA public errortracking_issue " in listed


def test_it_is_for_its_owner_alone_and_says_where_the_secret_key_is(used: LiveServer, tmp_path: Path) -> None:
    path = tmp_path / "x"
    said = used.manage("backup", str(path), HEALTHTRACK_SECRET_KEY="k" * 50).stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "the secret key (the environment variable HEALTHTRACK_SECRET_KEY)" in said
    key = tmp_path / "key"
    key.write_text("k" * 50)
    said = used.manage("backup", str(path), "--overwrite", HEALTHTRACK_SECRET_KEY_FILE=str(key)).stdout
    assert f"the secret key (the file {key})" in said
    assert sorted(os.listdir(tmp_path)) == ["key", "x"]


def test_a_file_that_exists_is_kept_unless_told(used: LiveServer, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("precious")
    refused = used.manage("backup", str(path), expect=1)
    assert refused.stderr == f"CommandError: {path} exists. Name another file, or say --overwrite.\n"
    assert path.read_text() == "precious"
    used.manage("backup", str(path), "--overwrite")
    assert manifest_of(path).rows > 100


def test_a_folder_that_is_not_there_is_a_sentence(used: LiveServer, tmp_path: Path) -> None:
    refused = used.manage("backup", str(tmp_path / "none" / "x"), expect=1)
    assert refused.stderr == f"CommandError: {tmp_path}/none/x cannot be written: No such file or directory.\n"


def test_of_a_backup_that_fails_nothing_is_left(used: LiveServer, tmp_path: Path) -> None:
    """And an older backup of the same name stays."""
    programs, target = tmp_path / "bin", tmp_path / "target"
    programs.mkdir()
    target.mkdir()
    fake = programs / "pg_dump"
    with psycopg.connect(used.database_url or "") as connection:
        version = f"pg_dump (PostgreSQL) {connection.info.server_version // 10_000}.1"
    fake.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" && exit 0\nprintf half\nexit 3\n')
    fake.chmod(0o755)
    (target / "x").write_text("older")
    refused = used.manage("backup", str(target / "x"), "--overwrite", expect=1, HEALTHTRACK_POSTGRES_BIN=str(programs))
    assert "pg_dump failed" in refused.stderr
    assert os.listdir(target) == ["x"]
    assert (target / "x").read_text() == "older"


def test_what_comes_after_the_snapshot_is_not_in_it(
    empty: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are counted and dumped as of one moment, whatever is written meanwhile."""
    with installation() as busy:
        busy.bootstrap()
        before, dump = contents(busy), making._dump

        def meanwhile(*arguments: object) -> object:
            execute(busy, "DELETE FROM environments_personalapikey; UPDATE environments_project SET name = 'later'")
            return dump(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(making, "_dump", meanwhile)
        monkeypatch.setenv("DATABASE_URL", busy.database_url or "")
        made = making.make(tmp_path / "x")
        assert contents(busy) != before
        assert made.tables["public.environments_personalapikey"] == 1
    empty.manage("restore", str(tmp_path / "x"))
    assert contents(empty) == before


def test_a_partition_of_the_queue_is_not_truncated_under_a_backup(
    used: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is processed meanwhile is in the backup as it waited: nothing accepted is missing."""
    count = tables.count

    def meanwhile(connection: psycopg.Connection[object]) -> dict[str, int]:
        with psycopg.connect(used.database_url or "", autocommit=True) as other:
            other.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("TRUNCATE errortracking_queuedrequest_0")
        return count(connection)

    monkeypatch.setattr(tables, "count", meanwhile)
    monkeypatch.setenv("DATABASE_URL", used.database_url or "")
    assert making.make(tmp_path / "x").tables["public.errortracking_queuedrequest_0"] == 0


def test_a_table_that_goes_away_meanwhile_is_no_failure(
    used: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old partitions are dropped daily."""
    execute(used, "CREATE TABLE old_partition (x int)")
    names = tables.names
    calls: list[list[tuple[str, str]]] = []

    def listed(connection: psycopg.Connection[object]) -> list[tuple[str, str]]:
        found = names(connection)
        if not calls:
            execute(used, "DROP TABLE old_partition")
        calls.append(found)
        return found

    monkeypatch.setattr(tables, "names", listed)
    monkeypatch.setenv("DATABASE_URL", used.database_url or "")
    assert "public.old_partition" not in making.make(tmp_path / "x").tables
    assert [("public", "old_partition") in found for found in calls] == [True, False]


def test_a_database_that_is_away_is_a_sentence_without_the_password(used: LiveServer, tmp_path: Path) -> None:
    url = "postgresql://ann:s3cret@127.0.0.1:1/none"
    refused = used.manage("backup", str(tmp_path / "x"), expect=1, DATABASE_URL=url)
    assert refused.stderr.startswith("CommandError: The database failed: connection failed:")
    assert "s3cret" not in refused.stderr
    assert os.listdir(tmp_path) == []


def test_programs_that_are_too_old_are_told(used: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", used.database_url or "")
    with pytest.raises(OperationFailed, match=r"No pg_dump of PostgreSQL 99 or newer.*\(found: .*18"):
        clients.find(99, "pg_dump")


@pytest.mark.parametrize(("wanted", "chosen"), [(15, 16), (16, 16), (17, 18), (18, 18)])
def test_of_several_versions_the_oldest_that_will_do_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: int, chosen: int
) -> None:
    """A newer one writes settings into its script that an older server does not know."""
    folders = {version: tmp_path / str(version) for version in (18, 14, 16)}
    for version, folder in folders.items():
        folder.mkdir()
        for name in ("pg_restore", "psql"):
            (folder / name).write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}.4 (Debian)"\n')
            (folder / name).chmod(0o755)
    (folders[16] / "psql").unlink()
    (folders[16] / "psql").symlink_to(folders[18] / "psql")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:s3cret@db:5433/shop")
    monkeypatch.setattr("runtime.postgres.programs.clients", lambda name: [f / name for f in folders.values()])
    found = clients.find(wanted, "pg_restore", "psql")
    assert (found.folder, found.major) == (folders[chosen], chosen)
    assert found.command("psql", "-1") == [str(folders[chosen] / "psql"), "-1"]
    known = {name: found.environment[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")}
    assert list(known.values()) == ["db", "5433", "ann", "s3cret", "shop"]
