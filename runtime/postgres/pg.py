"""``manage.py pg PROGRAM [options]``: a client program of PostgreSQL on the current database, embedded or not.

The embedded server has no address that one could type, and its ``psql`` and ``pg_dump`` are on no PATH.
"""

from __future__ import annotations

import os
import subprocess
import sys

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from runtime.postgres.programs import client

USAGE = "usage: manage.py pg PROGRAM [options], for example: pg psql, or: pg pg_dump -Fc -f healthtrack.dump"


def run(words: list[str]) -> int:
    """Run the program and return its exit code; its terminal, input and output are ours."""
    if not words or words[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    path = client(words[0]) if os.sep not in words[0] else None
    if path is None:
        print(f"There is no PostgreSQL program {words[0]!r} here.\n{USAGE}", file=sys.stderr)
        return 2
    address = libpq(os.environ.get("DATABASE_URL", ""))  # empty for `pg psql --help`, which needs no server
    process = subprocess.Popen([str(path), *words[1:]], env={**os.environ, **address})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # reached the program as well, and psql lives on after it
            continue


def libpq(url: str) -> dict[str, str]:
    """Return the environment variables by which PostgreSQL's programs connect to ``url``: it holds a password, and
    arguments can be read by everybody on the machine. Raises ``psycopg.ProgrammingError`` for a malformed URL."""
    names = {each.keyword.decode(): each.envvar.decode() for each in Conninfo.get_defaults() if each.envvar}
    parts = conninfo_to_dict(url)
    return {names[name]: str(value) for name, value in parts.items() if name in names and value is not None}
