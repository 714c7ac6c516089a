"""``manage.py ps``: what runs on a data folder."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runtime.bootstrap import places
from runtime.supervisor.state import Row, RunFolder


class Command(BaseCommand):
    """Lists the processes of ``up``; touches neither them nor the database."""

    help = "List the processes of the server: role, pid, since when, how often started again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="Print a JSON array instead of a table.")

    def handle(self, *_: Any, json: bool, **__: Any) -> None:
        """Print the list; exit with 1 where nothing runs."""
        folder = places.data_folder()
        run = RunFolder(folder)
        try:
            run.processes.stat()
        except PermissionError:
            raise CommandError(f"{run.path} belongs to another user; ask as that user.") from None
        except OSError:
            pass  # there is none: nothing runs
        rows = run.read()
        if json:
            self.stdout.write(_as_json(rows))
        elif rows:
            self.stdout.write(_as_table(rows))
        if not any(row.role == "supervisor" for row in rows):
            left = " (what is listed was left by a supervisor that was killed)" if rows else ""
            self.stderr.write(f"No server runs on the data folder {folder}{left}.")
            sys.exit(1)


def _as_json(rows: list[Row]) -> str:
    return json.dumps(
        [
            {"role": row.role, "name": row.name, "pid": row.pid, "since": row.since, "restarts": row.restarts}
            for row in rows
        ]
    )


def _as_table(rows: list[Row]) -> str:
    lines = [("ROLE", "NAME", "PID", "SINCE", "RESTARTS")]
    lines += [(row.role, row.name, str(row.pid), row.since, str(row.restarts)) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
