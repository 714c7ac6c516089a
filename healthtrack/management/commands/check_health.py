"""``manage.py check_health``: run the health checks now and show what they did."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from environments.models import Project
from healthtrack.checks.registry import CHECKS
from healthtrack.checks.running import TooManyNotProcessed, Totals, run

COLUMNS = ("kind", "projects", "not_processed", "firing", "refreshed", "resolved")


class Command(BaseCommand):
    """Runs kinds of checks one after the other, whatever their schedules say."""

    help = "Run the health checks now and print a table of what they found. Exit code 1 where one failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--kind`` and ``--environment``, each several times."""
        parser.add_argument("--kind", action="append", choices=sorted(CHECKS), help="Only this kind.")
        parser.add_argument("--environment", action="append", type=int, help="Only the project with this id.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print a line for each kind."""
        environments = options["environment"]
        known = set(Project.objects.filter(pk__in=environments or ()).values_list("pk", flat=True))
        if unknown := sorted(set(environments or ()) - known):
            raise CommandError(f"There is no project {unknown[0]}.")
        failures = []
        totals = []
        for kind in options["kind"] or CHECKS:
            try:
                totals.append(run(CHECKS[kind], environments))
            except TooManyNotProcessed as failure:
                totals.append(failure.totals)
                failures.append(str(failure))
        self.stdout.write(table(totals))
        for text in failures:
            self.stderr.write(text)
        if failures:
            sys.exit(1)


def table(totals: list[Totals]) -> str:
    """Return the totals as lines of text in columns."""
    rows = [[name.replace("_", " ") for name in COLUMNS]]
    rows += [[str(getattr(one, name)) for name in COLUMNS] for one in totals]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    return "\n".join("  ".join(_cells(row, widths)) for row in rows)


def _cells(row: list[str], widths: list[int]) -> list[str]:
    kind, *numbers = row
    return [kind.ljust(widths[0]), *(number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))]
