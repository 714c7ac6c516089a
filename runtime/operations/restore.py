"""Bringing a backup back: all of it in one transaction, so that the database is the old one or the new one."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import psycopg
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from psycopg import Connection

from config import logs
from runtime.operations import archive, clients, tables
from runtime.operations.archive import CHUNK, Manifest
from runtime.operations.errors import OperationFailed

_EMPTY: Final = ("SET client_min_messages = warning", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
_UNKNOWN_BEFORE_17: Final = b"SET transaction_timeout = 0;\n"
"""What pg_restore 17 and newer begin with, whatever the server."""
_RUNNING: Final = """
    SELECT application_name, count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name IN ('web', 'worker')
    GROUP BY application_name ORDER BY application_name
"""


@dataclass(frozen=True)
class Difference:
    """A table that does not have as many rows as the backup says; ``None``: there is no such table."""

    table: str
    expected: int | None
    found: int | None


def restore(path: Path, *, replace: bool = False) -> tuple[Manifest, list[Difference]]:
    """Bring the backup at ``path`` back into the database; return what it says of itself and where counts differ.

    With ``replace`` everything that is in the database goes. Migrations that are newer than the backup are left to be
    applied. Raises `OperationFailed`; nothing has changed then.
    """
    manifest = archive.read(path)
    _refuse_newer(manifest)
    connections.close_all()
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            empty = _refuse_used(connection, replace)
            server = connection.info.server_version // 10_000
            program = clients.find(max(server, manifest.pg_dump), "pg_restore", "psql")
        _run(program, path, () if empty else _EMPTY, _UNKNOWN_BEFORE_17 if server < 17 else b"")
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            return manifest, differences(manifest.tables, tables.count(connection))
    except psycopg.Error as error:
        raise OperationFailed(f"The database failed: {logs.redact(str(error)).strip()}") from None


def differences(expected: dict[str, int], found: dict[str, int]) -> list[Difference]:
    """Return the tables whose numbers of rows are not the same."""
    every = sorted(expected.keys() | found.keys())
    return [
        Difference(name, expected.get(name), found.get(name)) for name in every if expected.get(name) != found.get(name)
    ]


def _refuse_newer(manifest: Manifest) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}}
    apps = {name.partition(".")[0] for name in known}
    unknown = [name for name in manifest.migrations if name not in known and name.partition(".")[0] in apps]
    if unknown:
        raise OperationFailed(
            f"The backup is of a newer version of Healthtrack: it has the migration {unknown[-1]}, which this one\n"
            "does not know. Nothing was changed. Restore it with that version or a newer one."
        )


def _refuse_used(connection: Connection[Any], replace: bool) -> bool:
    """Return whether the database has no tables. Raises `OperationFailed` where it is in use or holds something."""
    running = connection.execute(_RUNNING).fetchall()
    if running:
        who = " and ".join(f"{number} of {name}" for name, number in running)
        raise OperationFailed(
            f"A server works on this database (connections: {who}). Nothing was changed.\n"
            "Stop it on every machine, then try again; `manage.py ps` shows what runs on this one."
        )
    there = tables.names(connection)
    if others := sorted({schema for schema, _ in there} - {"public"}):
        raise OperationFailed(
            f"The database holds schemas of something else ({', '.join(others)}). Nothing was changed.\n"
            "Restore into a database of Healthtrack's own."
        )
    if there and not replace and (held := _held(connection, {name for _, name in there})):
        raise OperationFailed(
            f"The database is in use: it holds {held}. Nothing was changed.\n"
            "To replace all of that by the backup, say --replace. (`manage.py backup` keeps it.)"
        )
    return not there


def _held(connection: Connection[Any], there: set[str]) -> str:
    """Return what is in the database, empty where it was migrated and never used."""
    if "environments_user" not in there:
        return f"{len(there)} tables of another program"
    words = []
    for table, word in (("environments_user", "users"), ("environments_project", "projects")):
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        words.append((int(row[0]) if row else 0, word))
    return " and ".join(f"{number} {word}" for number, word in words) if any(number for number, _ in words) else ""


def _run(program: clients.Clients, path: Path, first: tuple[str, ...], without: bytes) -> None:
    """Let pg_restore write the dump out as SQL, and psql run that in one transaction, the line ``without`` left out.

    Not pg_restore alone: emptying the database would then be a transaction of its own, and whoever fails after that
    has neither the old nor the new.
    """
    restore_words = program.command("pg_restore", "--no-owner", "--no-privileges", "--no-comments", "--file=-")
    psql_words = program.command("psql", "--no-psqlrc", "--quiet", "--single-transaction", "--no-password")
    psql_words += ["--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    psql_words += [f"--command={statement}" for statement in first] + ["--file=-"]
    with tempfile.TemporaryFile() as said, archive.dump_of(path) as dump:
        common: dict[str, Any] = {"env": program.environment, "stdin": subprocess.PIPE, "stderr": said}
        with (
            subprocess.Popen(psql_words, stdout=subprocess.DEVNULL, **common) as psql,
            subprocess.Popen(restore_words, stdout=subprocess.PIPE, **common) as pg_restore,
        ):
            _relay(dump, pg_restore, psql, without)
        if pg_restore.returncode or psql.returncode:
            said.seek(0)
            text = logs.redact(said.read(100_000).decode(errors="replace")).strip()
            raise OperationFailed(f"The backup could not be restored, and nothing was changed:\n{text}")


def _relay(dump: IO[bytes], pg_restore: subprocess.Popen[bytes], psql: subprocess.Popen[bytes], without: bytes) -> None:
    """Pass the dump to pg_restore and what that writes to psql, whose transaction ends well only after both did."""
    written, script = cast(IO[bytes], pg_restore.stdout), cast(IO[bytes], psql.stdin)
    feeder = threading.Thread(target=_copy, args=(dump, pg_restore.stdin), daemon=True)
    feeder.start()
    try:
        whole = _copy(written, script, close=False, without=without)
        feeder.join()
        if not whole or pg_restore.wait():
            psql.kill()  # its end of input would mean COMMIT; a connection that breaks means ROLLBACK
    except BaseException:
        psql.kill()
        pg_restore.kill()
        raise
    _close(script)


def _copy(source: IO[bytes], target: IO[bytes], close: bool = True, without: bytes = b"") -> bool:
    """Copy everything but the line ``without`` near the beginning; return whether ``target``'s reader took it all."""
    try:
        while chunk := source.read(CHUNK):
            target.write(chunk.replace(without, b"", 1) if without else chunk)
            without = b""
    except BrokenPipeError:
        return False
    finally:
        if close:
            _close(target)
    return True


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # its reader has ended, and has said why
        pipe.close()
