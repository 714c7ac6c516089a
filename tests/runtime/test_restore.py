"""``manage.py restore``: everything back, or nothing changed."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import psycopg
import pytest
import requests

from runtime.operations import archive
from runtime.operations.errors import OperationFailed
from runtime.operations.restore import _UNKNOWN_BEFORE_17 as UNKNOWN
from runtime.operations.restore import Difference, differences, restore
from runtime.operations.restore import _copy as copy
from tests.live import LiveServer, live_server
from tests.runtime.restoring import backup, contents, empty, execute, fill, installation, used

__all__ = ["empty", "used"]


@pytest.fixture(scope="module")
def file(used: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of `used`."""
    return backup(used, tmp_path_factory.mktemp("backup"))


def rewritten(file: Path, to: Path, **changes: object) -> Path:
    """Return a backup like ``file`` with another manifest, or another ``dump``."""
    manifest = archive.read(file)
    with archive.dump_of(file) as dump:
        content = changes.pop("dump", None) or dump.read()
    digest, size = archive.write(to, io.BytesIO(content))  # type: ignore[arg-type]
    fields = {"dump_sha256": digest, "dump_bytes": size} | changes
    archive.finish(to, dataclasses.replace(manifest, **fields))  # type: ignore[arg-type]
    return to


def test_everything_comes_back(used: LiveServer, empty: LiveServer, file: Path) -> None:
    said = empty.manage("restore", str(file)).stdout
    held = contents(empty)
    assert held == contents(used)
    assert f"{sum(map(len, held.values())):,} rows of {len(held)} tables." in said
    assert "Every table has as many rows as were counted when the backup was made." in said


def test_a_server_runs_on_what_was_restored(tmp_path: Path) -> None:
    """From one embedded database to another, with the key that was given out by the first."""
    with live_server(embedded=True, start=False) as before, live_server(embedded=True, start=False) as after:
        made = fill(before)
        path = backup(before, tmp_path)
        after.manage("restore", str(path))
        after.start()
        key = {"Authorization": f"Bearer {made['personal_api_key']}"}
        below = f"{after.url}/api/projects/{made['environment_id']}/error_tracking"
        issue, event = made["names"]["issue"][0], made["names"]["event"][0]
        shown = requests.get(f"{below}/issues/{issue}/events/{event}/", headers=key, timeout=30)
        assert (shown.status_code, shown.json()["uuid"]) == (200, event)
        made_now = requests.post(f"{below}/releases/", json={"version": "9", "project": "web"}, headers=key, timeout=30)
        assert made_now.status_code == 201


def test_an_installation_in_use_is_kept_unless_told(empty: LiveServer, file: Path, used: LiveServer) -> None:
    empty.bootstrap(email="bob@example.com")
    before = contents(empty)
    refused = empty.manage("restore", str(file), expect=1).stderr
    assert refused == (
        "CommandError: The database is in use: it holds 1 users and 1 projects. Nothing was changed.\n"
        "To replace all of that by the backup, say --replace. (`manage.py backup` keeps it.)\n"
    )
    assert contents(empty) == before
    empty.manage("restore", str(file), "--replace")
    assert contents(empty) == contents(used)


def test_tables_that_nobody_has_used_are_replaced_without_a_word(
    empty: LiveServer, file: Path, used: LiveServer
) -> None:
    empty.manage("migrate", "--verbosity", "0")
    empty.manage("restore", str(file))
    assert contents(empty) == contents(used)


def test_tables_of_another_program_are_kept(empty: LiveServer, file: Path) -> None:
    execute(empty, "CREATE TABLE theirs (x int)")
    assert "it holds 1 tables of another program" in empty.manage("restore", str(file), expect=1).stderr
    execute(empty, "CREATE SCHEMA other; CREATE TABLE other.theirs (x int)")
    refused = empty.manage("restore", str(file), "--replace", expect=1).stderr
    assert "The database holds schemas of something else (other). Nothing was changed." in refused
    assert set(contents(empty)) == {"public.theirs", "other.theirs"}


def test_a_database_that_a_server_works_on_is_refused(file: Path) -> None:
    with live_server() as server:
        refused = server.manage("restore", str(file), "--replace", expect=1).stderr
        assert refused.startswith("CommandError: A server works on this database (connections: ")
        assert requests.get(f"{server.url}/readyz", timeout=30).status_code == 200


@pytest.mark.parametrize("damage", ["cut", "bit", "dump", "text", "nothing", "folder"])
def test_a_file_that_is_no_whole_backup_is_refused(file: Path, tmp_path: Path, damage: str) -> None:
    """Before the database is looked at."""
    path, whole = tmp_path / "x", file.read_bytes()
    if damage == "folder":
        path.mkdir()
    elif damage != "nothing":
        middle = len(whole) // 2
        flipped = bytes([whole[middle] ^ 1])
        bad = {
            "cut": whole[:middle],
            "bit": whole[:middle] + flipped + whole[middle + 1 :],
            "dump": whole[512:],
            "text": b"hello",
        }
        path.write_bytes(bad[damage])
    expected = {
        "bit": "is damaged: its content is not what was written",
        "nothing": "cannot be read: No such file",
        "folder": "cannot be read: Is a directory",
    }
    with pytest.raises(OperationFailed, match=expected.get(damage, "is no complete backup of Healthtrack")):
        restore(path)


def test_the_refusal_of_a_file_is_a_sentence(used: LiveServer, tmp_path: Path) -> None:
    refused = used.manage("restore", str(tmp_path / "x"), "--replace", expect=1).stderr
    assert refused == f"CommandError: {tmp_path}/x cannot be read: No such file or directory.\n"


def test_a_restore_that_fails_half_way_has_changed_nothing(empty: LiveServer, file: Path, tmp_path: Path) -> None:
    """Here the dump ends in the middle of its tables, which only pg_restore finds out."""
    empty.bootstrap(email="bob@example.com")
    before = contents(empty)
    with archive.dump_of(file) as dump:
        half = dump.read()[: -archive.read(file).dump_bytes // 4]
    bad = rewritten(file, tmp_path / "x", dump=half)
    refused = empty.manage("restore", str(bad), "--replace", expect=1).stderr
    assert refused.startswith("CommandError: The backup could not be restored, and nothing was changed:\n")
    assert "pg_restore: error" in refused
    assert contents(empty) == before


def test_sql_that_fails_changes_nothing_either(empty: LiveServer, file: Path, tmp_path: Path) -> None:
    """The database refuses what it is told: an event trigger stands for a disk that is full."""
    empty.bootstrap(email="bob@example.com")
    before = contents(empty)
    refuse = "CREATE FUNCTION pg_catalog.refuse() RETURNS event_trigger LANGUAGE plpgsql AS"
    refuse += " $$ BEGIN IF tg_tag = 'CREATE INDEX' THEN RAISE EXCEPTION 'disk full'; END IF; END $$;"
    with psycopg.connect(empty.database_url or "", autocommit=True) as connection:
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(refuse.encode())
        connection.execute("CREATE EVENT TRIGGER refuse ON ddl_command_start EXECUTE FUNCTION pg_catalog.refuse()")
    assert "disk full" in empty.manage("restore", str(file), "--replace", expect=1).stderr
    assert contents(empty) == before


def test_a_backup_of_an_older_version_is_brought_up_to_date(empty: LiveServer, tmp_path: Path) -> None:
    with installation() as older:
        older.manage("migrate", "errortracking", "0004_spike_counts", "--verbosity", "0")
        path = backup(older, tmp_path)
    said = empty.manage("restore", str(path)).stdout
    assert "Migrations that are newer than the backup were applied." in said
    assert json.loads(empty.manage("doctor", "--json", expect=None).stdout)["checks"][4] == {
        "check": "migrations",
        "state": "ok",
        "text": "All are applied.",
        "fix": "",
    }


def test_a_backup_of_a_newer_version_is_refused(empty: LiveServer, file: Path, tmp_path: Path) -> None:
    newer = [*archive.read(file).migrations, "errortracking.9999_of_the_future"]
    refused = empty.manage("restore", str(rewritten(file, tmp_path / "x", migrations=newer)), expect=1).stderr
    assert "it has the migration errortracking.9999_of_the_future" in refused
    other = rewritten(file, tmp_path / "y", format=2)
    assert "is a backup of a newer version of Healthtrack." in empty.manage("restore", str(other), expect=1).stderr
    assert contents(empty) == {}


def test_rows_that_are_missing_are_told(empty: LiveServer, file: Path, tmp_path: Path) -> None:
    counted = archive.read(file).tables
    wrong = counted | {"public.errortracking_issue": 5_003, "public.gone": 1}
    done = empty.manage("restore", str(rewritten(file, tmp_path / "x", tables=wrong)), expect=1)
    there = counted["public.errortracking_issue"]
    assert f"  public.errortracking_issue: 5,003 in the backup, {there} here\n" in done.stderr
    assert "  public.gone: 1 in the backup, no such table here\n" in done.stderr
    assert "Every table has as many rows" not in done.stdout


def test_an_older_server_is_not_told_of_a_setting_that_it_does_not_know() -> None:
    script, taken = b"SET lock_timeout = 0;\nSET transaction_timeout = 0;\nCREATE TABLE x ();\n", io.BytesIO()
    copy(io.BytesIO(script), taken, close=False, without=UNKNOWN)
    assert taken.getvalue() == b"SET lock_timeout = 0;\nCREATE TABLE x ();\n"


def test_differences_are_of_tables_on_either_side() -> None:
    found = differences({"a": 1, "b": 2, "gone": 0}, {"a": 1, "b": 3, "new": 4})
    assert found == [Difference("b", 2, 3), Difference("gone", 0, None), Difference("new", None, 4)]
