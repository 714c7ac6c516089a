"""``manage.py restore FILE``: a backup back into the database, compared with what was counted when it was made."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runtime import schema
from runtime.operations import restore, secret_keys
from runtime.operations.errors import OperationFailed
from runtime.operations.restore import Difference

MOST_SHOWN = 20
"""Tables whose numbers differ that are listed."""


class Command(BaseCommand):
    """Restores into an empty database, or with ``--replace`` into any."""

    help = "Bring a file of `backup` back into the database, check its rows, and bring it up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", type=Path, help="A file that `backup` has written.")
        parser.add_argument(
            "--replace", action="store_true", help="Throw away everything that is in the database, if anything is."
        )

    def handle(self, *_: Any, file: Path, replace: bool, **__: Any) -> None:
        """Do it, and say whether everything is there; exit with 1 where it is not."""
        try:
            schema.check()
            made, different = restore.restore(Path(os.path.abspath(file)), replace=replace)
        except (OperationFailed, schema.DatabaseProblem) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"The backup of {made.made_at} is restored: {made.rows:,} rows of {len(made.tables)} tables.")
        if different:
            self.stderr.write("These tables do not have as many rows as were counted when the backup was made:")
            for difference in different[:MOST_SHOWN]:
                self.stderr.write(_line(difference))
            self.stderr.write("Nothing else was done. Keep the file, and report this.")
            sys.exit(1)
        self.stdout.write("Every table has as many rows as were counted when the backup was made.")
        self._bring_up_to_date()
        self.stdout.write(
            f"The secret key is not in a backup. This installation's: {secret_keys.place()}.\n"
            "With another key than before, everybody logs in again; nothing else is lost."
        )

    def _bring_up_to_date(self) -> None:
        try:
            pending = schema.pending()
            schema.migrate()
        except schema.DatabaseProblem as error:
            raise CommandError(f"{error}\nThe backup is restored; `manage.py up` tries this again.") from None
        self.stdout.write("Migrations that are newer than the backup were applied." if pending else "It is up to date.")


def _line(difference: Difference) -> str:
    expected, found = difference.expected, difference.found
    return f"  {difference.table}: {_number(expected)} in the backup, {_number(found)} here"


def _number(rows: int | None) -> str:
    return "no such table" if rows is None else f"{rows:,}"
