"""Making a backup: one snapshot, in which every table is counted and which pg_dump writes out."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import IO, Any, Final, cast

import psycopg
from psycopg import Connection, errors

from config import logs
from environments import clock
from errortracking.models import slots
from runtime.operations import archive, clients, tables
from runtime.operations.archive import Manifest
from runtime.operations.errors import OperationFailed

# Payloads are compressed already; what gzip still finds is that the dump spells them in hex. Its higher levels take
# several times as long for a few percent.
_COMPRESSION: Final = "--compress=1"
_TRIES: Final = 3
"""How often to begin anew where a table is dropped between its listing and its counting: partitions go daily."""


def make(path: Path, *, overwrite: bool = False) -> Manifest:
    """Write a backup of the database to ``path`` and return what it says of itself. Raises `OperationFailed`.

    The server may run: everybody goes on reading and writing. ``path`` appears when it is complete, never before.
    """
    if path.exists() and not overwrite:
        raise OperationFailed(f"{path} exists. Name another file, or say --overwrite.")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        manifest = _write(unfinished)
        os.replace(unfinished, path)
    except psycopg.Error as error:
        raise OperationFailed(f"The database failed: {logs.redact(str(error)).strip()}") from None
    except OSError as error:
        raise OperationFailed(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return manifest


def _write(path: Path) -> Manifest:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        program = clients.find(connection.info.server_version // 10_000, "pg_dump")
        for _ in range(_TRIES):
            try:
                snapshot, made_at, counted = _snapshot(connection)
                break
            except errors.UndefinedTable:
                connection.execute("ROLLBACK")
        else:
            raise OperationFailed("Tables went away while they were counted. Try again.")
        digest, size = _dump(program, snapshot, path)
        applied, version = tables.migrations(connection), _version(connection)
        connection.execute("ROLLBACK")
    manifest = Manifest(archive.FORMAT, made_at, version, program.major, applied, counted, digest, size)
    archive.finish(path, manifest)
    return manifest


def _snapshot(connection: Connection[Any]) -> tuple[str, str, dict[str, int]]:
    """Begin a transaction and return the name of its snapshot, when that was, and the rows of each table in it."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    # Before the snapshot: partitions of the queue are truncated once they are empty, which no snapshot notices. A
    # request that was processed in between would be neither in the queue nor, as an event, in the snapshot.
    connection.execute(f"LOCK TABLE {slots.TABLE} IN ACCESS SHARE MODE")
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    made_at = clock.now().astimezone(UTC).isoformat(timespec="seconds")
    return str(row[0] if row else ""), made_at, tables.count(connection)


def _dump(program: clients.Clients, snapshot: str, path: Path) -> tuple[str, int]:
    words = program.command("pg_dump", "--format=custom", _COMPRESSION, f"--snapshot={snapshot}", "--no-password")
    with subprocess.Popen(
        words, env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            written = archive.write(path, cast(IO[bytes], process.stdout))
        except BaseException:
            process.kill()
            raise
        said = cast(IO[bytes], process.stderr).read().decode(errors="replace")
    if process.returncode:
        raise OperationFailed(f"pg_dump failed: {logs.redact(said).strip()}")
    return written


def _version(connection: Connection[Any]) -> str:
    row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else ""
