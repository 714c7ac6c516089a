"""``manage.py replay``: events that could not be processed, listed, tried again or deleted."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from environments.models import Project
from environments.tenancy import guard
from errortracking.pipeline import replay

NOTHING = "Nothing is set aside."


class Command(BaseCommand):
    """Puts set-aside events back into the queue."""

    help = "Try events again that could not be processed and were set aside."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--environment", type=int, metavar="ID", help="Only those of this project (default: all).")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--list", action="store_true", help="Only show them.")
        instead.add_argument("--delete", action="store_true", help="Delete them for good instead.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, and say how many events it was."""
        environment_id: int | None = options["environment"]
        if environment_id is not None and not Project.objects.filter(id=environment_id).exists():
            raise CommandError(f"there is no project {environment_id}")
        if options["list"]:
            return self._list(environment_id)
        projects = list(replay.projects()) if environment_id is None else [environment_id]
        if not projects:
            self.stderr.write(NOTHING)
        for project in projects:
            if options["delete"]:
                self.stdout.write(f"project {project}: {replay.delete(project)} deleted")
                continue
            replayed, unreadable = replay.replay(project)
            self.stdout.write(f"project {project}: {replayed} put back into the queue")
            if unreadable:
                self.stderr.write(f"project {project}: {unreadable} cannot be read and stay")
        return None

    def _list(self, environment_id: int | None) -> None:
        found = False
        with guard.maintenance("an operator looks at all projects"):
            for row in replay.waiting(environment_id).iterator():
                received = row.received_at.isoformat(timespec="seconds")
                self.stdout.write(f"{row.environment_id}  {received}  {row.event_uuid}  {row.reason}")
                found = True
            if not found:
                self.stderr.write(NOTHING)
