"""``manage.py backup FILE``: everything that the database holds, in one file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runtime.operations import backup, secret_keys
from runtime.operations.errors import OperationFailed


class Command(BaseCommand):
    """Writes a backup beside a running server or not."""

    help = "Write all of the database into FILE, beside a running server or not. `restore` brings it back."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file's name."""
        parser.add_argument("file", type=Path, help="The file to write. It is complete as soon as it is there.")
        parser.add_argument("--overwrite", action="store_true", help="Replace the file where it exists.")

    def handle(self, *_: Any, file: Path, overwrite: bool, **__: Any) -> None:
        """Do it, and say what is in the file and what is not."""
        try:
            made = backup.make(Path(os.path.abspath(file)), overwrite=overwrite)
        except OperationFailed as error:
            raise CommandError(str(error)) from None
        size = file.stat().st_size / 1024 / 1024
        self.stdout.write(
            f"{file}: {made.rows:,} rows of {len(made.tables)} tables, as of {made.made_at}, in {size:,.1f} MB.\n"
            "It holds everything that events, people and keys have brought: keep it where only you can read it.\n"
            f"Not in it, and to be kept beside it: the secret key ({secret_keys.place()}).\n"
            "Without that, everybody logs in again; nothing else is lost."
        )
