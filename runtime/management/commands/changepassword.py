"""``manage.py changepassword EMAIL``: a new password for a user, at a terminal or from a program.

In place of Django's, which wants the address in the exact case in which it is stored, takes the name of the shell's
account where none is given, and cannot be used without a terminal.
"""

from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from environments.api import inputs
from environments.models import User
from runtime import schema

TRIES = 3
LONGEST = 4_096
"""Characters; Django hashes whatever it is given, and so do others who read it from a pipe."""


class Command(BaseCommand):
    """Asks for a password twice, reads one from standard input, or makes one."""

    help = "Set a user's password. It ends the user's sessions and a link that is under way; keys stay as they are."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whose password, and where it comes from."""
        parser.add_argument("email", nargs="?", help="The user's e-mail address; not needed where there is one user.")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--password-stdin", action="store_true", help="Read it from the first line of its input.")
        source.add_argument("--generate", action="store_true", help="Make one, and print it alone on standard output.")

    def handle(self, *_: Any, email: str | None, password_stdin: bool, generate: bool, **__: Any) -> None:
        """Do it; a ``CommandError`` where there is no such user or the password is refused."""
        try:
            schema.check()
            with schema.explained("the user was looked for"):
                user = _user(email)
        except schema.DatabaseProblem as error:
            raise CommandError(str(error)) from None
        if generate:
            password = secrets.token_urlsafe(12)
        elif password_stdin:
            password = _checked(sys.stdin.readline().rstrip("\r\n"), user)
        else:
            password = self._ask(user)
        user.set_password(password)
        user.save(update_fields=["password"])
        self.stderr.write(f"The password of {user.email} is changed; sessions of this user have ended.")
        if not user.is_active:
            self.stderr.write("The user is deactivated, and cannot log in all the same.")
        if generate:
            self.stdout.write(password)

    def _ask(self, user: User) -> str:
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask at: say --password-stdin or --generate.")
        for _ in range(TRIES):
            password = getpass.getpass(f"New password of {user.email}: ")
            if password != getpass.getpass("The same again: "):
                self.stderr.write("These are not the same.")
                continue
            try:
                return _checked(password, user)
            except CommandError as error:
                self.stderr.write(str(error))
        raise CommandError(f"Given up after {TRIES} tries. The password is what it was.")


def _user(email: str | None) -> User:
    if email is None:
        users = list(User.objects.all()[:2])
        if len(users) == 1:
            return users[0]
        raise CommandError("Whose? Name the e-mail address." if users else "There are no users yet.")
    known = User.objects.none() if inputs.text_problem(email) else User.objects.filter(email__iexact=email.strip())
    user = known.first()
    if user is None:
        raise CommandError(f"There is no user {email}. `manage.py bootstrap --email …` makes one.")
    return user


def _checked(password: str, user: User) -> str:
    """Return ``password``; raise what the server's rules have against it."""
    if not password:
        raise CommandError("An empty password is refused.")
    if len(password) > LONGEST:
        raise CommandError(f"A password of more than {LONGEST} characters is refused.")
    if problem := inputs.text_problem(password):  # no form would take it
        raise CommandError(f"This password is refused. It must be text in UTF-8: {problem[0]}")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return password
