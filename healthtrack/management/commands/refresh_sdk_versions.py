"""``manage.py refresh_sdk_versions --file F``: let health checks know newer versions of SDKs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from django.core.management.base import BaseCommand, CommandError

from environments import clock
from healthtrack.checks import sdk_versions
from healthtrack.models import SDKVersionTable

MAX_BYTES: Final = 5 * 1024 * 1024  # the shipped table has 40 KB


class Command(BaseCommand):
    """Replaces the table of SDKs' versions as a whole, after it was found to be right."""

    help = "Replace the table of SDK versions that the health check sdk_outdated compares with. Changes nothing if bad."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--file``."""
        parser.add_argument("--file", required=True, help="The table as JSON (docs/health-checks.md); - is the input.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Read, validate, store."""
        content = _content(options["file"])
        try:
            table = sdk_versions.from_json(content)
        except sdk_versions.BadTable as error:
            raise CommandError(f"The table was not replaced. {error}") from error
        now = clock.now()
        if table.date > now.astimezone(UTC).date() + timedelta(days=1):
            raise CommandError(f"The table was not replaced. Its date, {table.date}, is yet to come.")
        if table.date < (used := sdk_versions.current().date):
            raise CommandError(f"The table was not replaced. It is of {table.date}, the one in use of {used}.")
        SDKVersionTable.objects.update_or_create(
            pk=SDKVersionTable.ONLY,
            defaults={"date": table.date, "sdks": orjson.loads(content)["sdks"], "refreshed_at": now},
        )
        versions = sum(len(releases.days) for releases in table.sdks.values())
        self.stdout.write(f"{versions} versions of {len(table.sdks)} SDKs, as of {table.date}.")


def _content(name: str) -> bytes:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise CommandError(f"The table was not replaced. It has more than {MAX_BYTES} bytes.")
    return content
