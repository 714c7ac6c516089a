"""The PostgreSQL that a benchmark brings along: fresh data, the product's own durable settings."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks import measure
from runtime.postgres.cluster import Cluster


@dataclass(slots=True)
class Machine:
    """The PostgreSQL that everything runs on."""

    url: str
    postmaster: int

    def database(self, name: str) -> str:
        """Make a database and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return re.sub(r"^(\w+://[^/]*/)[^?]*", lambda match: match[1] + name, self.url)

    def cpu(self) -> float:
        """Return the CPU seconds that the whole PostgreSQL has used."""
        return measure.server_cpu(self.postmaster)


@contextmanager
def machine() -> Iterator[Machine]:
    """Yield an own PostgreSQL on fresh data, with the settings of the product."""
    with tempfile.TemporaryDirectory(prefix="healthtrack-benchmark-") as folder:
        os.chmod(folder, 0o711)
        with Cluster(Path(folder) / "data") as url, psycopg.connect(url) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
            connection.close()
            yield Machine(url, int(Path(data, "postmaster.pid").read_text().split()[0]))


def connect(url: str) -> psycopg.Connection:
    """Return a connection without transactions of its own."""
    return psycopg.connect(url, autocommit=True)
