"""``manage.py bootstrap``: credentials for a program, in one line of JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from environments.provisioning import Provisioned, ProvisioningError, provision
from runtime import schema


class Command(BaseCommand):
    """Makes or finds a user, an organization and a project, and adds a key."""

    help = "Make or find a user with a project, add a personal API key labelled `bootstrap`, and print all of it once."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what may differ from the first user and the first project."""
        parser.add_argument("--json", action="store_true", help="Print exactly one JSON object on standard output.")
        parser.add_argument("--email", help="The user; another address means another organization.")
        parser.add_argument("--password", help="Set the user's password.")
        parser.add_argument("--project", metavar="NAME", help="The project; made where the user has none of that name.")
        parser.add_argument("--scopes", default="*", help="The key's scopes, separated by commas. Default: * (all).")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, bringing the database up to date first; a ``CommandError`` where it cannot be done."""
        try:
            schema.check()
            schema.migrate()
            with schema.explained("the key was made"):
                made = provision(
                    email=options["email"],
                    password=options["password"],
                    project=options["project"],
                    scopes=[scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
                )
        except (ProvisioningError, schema.DatabaseProblem) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(asdict(made)) if options["json"] else _readable(made))


def _readable(made: Provisioned) -> str:
    return (
        f"Environment id    {made.environment_id}\n"
        f"Project token     {made.project_token}\n"
        f"Personal API key  {made.personal_api_key}\n"
        f"E-mail            {made.email}\n"
        "The key is shown only here."
    )
