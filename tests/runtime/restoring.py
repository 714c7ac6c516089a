"""Installations to back up and to restore into, and what their databases hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from runtime.operations import tables
from tests.live import LiveServer, live_server

FURNISH = "from tests.furnishing import furnish_as_json; furnish_as_json({project}, {count})"


@contextmanager
def installation() -> Iterator[LiveServer]:
    """Yield an installation with an empty database, none of whose processes run."""
    with live_server(start=False) as server:
        yield server


@pytest.fixture(scope="module")
def used() -> Iterator[LiveServer]:
    """An installation with a user, a key and something of everything. A module shares it, and changes nothing."""
    with installation() as server:
        fill(server)
        yield server


@pytest.fixture
def empty() -> Iterator[LiveServer]:
    """An installation without tables."""
    with installation() as server:
        yield server


def fill(server: LiveServer, count: int = 3) -> dict[str, Any]:
    """Bootstrap the installation and furnish its project; return the credentials."""
    made = server.bootstrap(email="ann@example.com", scopes="*")
    program = FURNISH.format(project=made["environment_id"], count=count)
    names = json.loads(server.manage("shell", "--no-imports", "-c", program).stdout)
    return made | {"names": names}


def contents(server: LiveServer) -> dict[str, list[str]]:
    """Return every row of every table, as PostgreSQL writes it."""
    found = {}
    with psycopg.connect(server.database_url or "") as connection:
        for schema, name in tables.names(connection):
            query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(schema, name))
            found[f"{schema}.{name}"] = [text for (text,) in connection.execute(query)]
    return found


def execute(server: LiveServer, statement: str) -> None:
    """Run a statement in the installation's database."""
    with psycopg.connect(server.database_url or "", autocommit=True) as connection:
        connection.execute(statement.encode())


def backup(server: LiveServer, folder: Path) -> Path:
    """Return a new backup."""
    path = folder / "healthtrack.backup"
    server.manage("backup", str(path))
    return path
