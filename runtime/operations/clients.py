"""The client programs of PostgreSQL that fit a server and a file.

pg_dump refuses a server that is newer than itself, and pg_restore a file of a newer pg_dump.
"""

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
    major: int
    environment: dict[str, str]

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return the words that start a program."""
        return [str(self.folder / name), *arguments]


def find(wanted: int, *names: str) -> Clients:
    """Return the folder that has all of ``names`` in the version ``wanted`` (such as 18), or else the next newer.

    Not the newest: its script may speak of settings that an older server does not know. Raises `OperationFailed` where
    there is none.
    """
    found: dict[int, Path] = {}
    for path in programs.clients(names[0]):
        major = _major(path)
        if major is not None and all((path.parent / name).is_file() for name in names):
            found.setdefault(major, path.parent)
    fitting = [major for major in found if major >= wanted]
    if fitting:
        major = min(fitting)
        return Clients(found[major], major, {**os.environ, **libpq(os.environ["DATABASE_URL"])})
    seen = f" (found: {', '.join(map(str, sorted(found)))})" if found else ""
    raise OperationFailed(
        f"No {' and '.join(names)} of PostgreSQL {wanted} or newer, which this needs, are here{seen}.\n"
        "Install PostgreSQL's client programs, or name their folder by HEALTHTRACK_POSTGRES_BIN."
    )


def _major(path: Path) -> int | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"(\d+)(\.\d+|devel|beta|rc)", said)
    return int(match[1]) if match else None
