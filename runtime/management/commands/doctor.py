"""``manage.py doctor``: what is wrong with this installation, and what to do."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from runtime.operations.doctor import report
from runtime.operations.doctor.checks import CHECKS


class Command(BaseCommand):
    """Runs every check; changes nothing."""

    help = "Look at the installation: what is wrong, and what to do. Exit code 1 where something is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of text.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print what the checks find."""
        found = list(report.run(CHECKS))
        wrong = sum(one.state == "wrong" for one in found)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not wrong, "checks": [asdict(one) for one in found]}))
        else:
            self.stdout.write(report.as_text(found))
            self.stdout.write(f"\n{wrong} wrong." if wrong else "\nNothing is wrong.")
        if wrong:
            sys.exit(1)
