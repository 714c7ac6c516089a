"""``manage.py passwordlink``: a link by which a user sets a password, for servers without mail."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from environments import passwords
from environments.api import inputs
from environments.models import User


class Command(BaseCommand):
    """Prints the link."""

    help = "Print a link by which a user sets a new password, once and within three days. Pass it on yourself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user."""
        parser.add_argument("email", help="The address with which the user logs in.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make the link, which replaces an earlier one of the same user."""
        email = options["email"].strip()
        user = None if inputs.text_problem(email) else User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        if not user.is_active:
            raise CommandError(f"The user {user.email} is deactivated.")
        self.stdout.write(passwords.link(user))
