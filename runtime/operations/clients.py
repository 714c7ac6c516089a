"""The client programs of PostgreSQL that fit a server: pg_dump refuses one that is newer than itself."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.operations.errors import OperationFailed
from runtime.postgres import programs
from runtime.postgres.pg import libpq


@dataclass(frozen=True)
class Clients:
    """A folder with the programs needed, and the environment by which they reach the database."""

    folder: Path
    environment: dict[str, str]

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return the words that start a program."""
        return [str(self.folder / name), *arguments]


def find(server_version: int, *names: str) -> Clients:
    """Return the first folder that has all of ``names`` for a server of this version (``180006``).

    Raises `OperationFailed` where there is none.
    """
    wanted, seen = server_version // 10_000, []
    for path in programs.clients(names[0]):
        major = _major(path)
        if major is None or not all((path.parent / name).is_file() for name in names):
            continue
        if major >= wanted:
            return Clients(path.parent, {**os.environ, **libpq(os.environ["DATABASE_URL"])})
        seen.append(str(major))
    found = f" (found: {', '.join(seen)})" if seen else ""
    raise OperationFailed(
        f"No {' and '.join(names)} of PostgreSQL {wanted} or newer, which this server needs, are here{found}.\n"
        "Install PostgreSQL's client programs, or name their folder by HEALTHTRACK_POSTGRES_BIN."
    )


def _major(path: Path) -> int | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"(\d+)(\.\d+|devel|beta|rc)", said)
    return int(match[1]) if match else None
