"""``manage.py revoke_key``: personal API keys, listed and ended from the shell."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q, QuerySet

from environments import secrets
from environments.api import inputs
from environments.models import PersonalAPIKey
from runtime import schema

NO_VALUE = (
    "That is a key's value. On a command line everybody on this machine can read it, and the shell remembers it:\n"
    "say --stdin, and paste it there. (Or name its mask, {mask}.)"
)
HEADINGS = ("ID", "MASK", "LABEL", "USER", "CREATED", "LAST USED", "EXPIRES", "SCOPES")


class Command(BaseCommand):
    """Deletes keys, which ends them at once: whoever sends one is answered 401 from the next request on."""

    help = "End a personal API key, named by its id, its mask (phx_...wxyz), its label, or its value on standard input."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take which keys."""
        parser.add_argument("key", nargs="?", help="Id, mask or label of the key.")
        parser.add_argument("--stdin", action="store_true", help="Read the key's value from standard input.")
        parser.add_argument("--email", help="Only keys of this user.")
        parser.add_argument("--list", action="store_true", help="Only show the keys; without a name all of them.")
        parser.add_argument("--all", action="store_true", help="End all keys that match, where several do.")
        parser.add_argument("--json", action="store_true", help="Print a JSON array of the keys instead of a table.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it, and show which keys it was; a ``CommandError`` where none or several match."""
        try:
            schema.check()
            with schema.explained("keys were looked for"):
                keys = _matching(options)
                found = list(keys.select_related("user").order_by("user__email", "created_at", "id"))
                if not options["list"]:
                    self._revoke(found, every=options["all"])
        except schema.DatabaseProblem as error:
            raise CommandError(str(error)) from None
        self.stdout.write(_as_json(found) if options["json"] else _as_table(found))

    def _revoke(self, found: list[PersonalAPIKey], *, every: bool) -> None:
        if not found:
            raise CommandError("No key matches, and none was ended. `manage.py revoke_key --list` shows all of them.")
        if len(found) > 1 and not every:
            raise CommandError(
                f"{len(found)} keys match, and none was ended. Name one by its id, or say --all:\n{_as_table(found)}"
            )
        PersonalAPIKey.objects.filter(pk__in=[key.pk for key in found]).delete()
        self.stderr.write(f"{len(found)} {'key is' if len(found) == 1 else 'keys are'} ended:")


def _matching(options: dict[str, Any]) -> QuerySet[PersonalAPIKey]:
    keys = PersonalAPIKey.objects.all()
    if any(inputs.text_problem(options[name] or "") for name in ("email", "key")):
        return keys.none()  # not UTF-8, which all that is stored is
    if options["email"]:
        keys = keys.filter(user__email__iexact=options["email"].strip())
    if options["stdin"] and options["key"]:
        raise CommandError("Name the key, or give its value on standard input, but not both.")
    if options["stdin"]:
        value = sys.stdin.readline().strip()
        if not value:
            raise CommandError("There was no value on standard input.")
        return keys.filter(secure_value=secrets.hash_key(value))
    if name := options["key"]:
        if PersonalAPIKey.objects.filter(secure_value=secrets.hash_key(name)).exists():
            raise CommandError(NO_VALUE.format(mask=secrets.mask_key(name)))
        return keys.filter(Q(pk=name) | Q(mask_value=name) | Q(label=name))
    if not options["list"] and not (options["email"] and options["all"]):
        raise CommandError("Which key? Name its id, mask or label, or say --stdin or --list.")
    return keys


def _as_json(keys: list[PersonalAPIKey]) -> str:
    return json.dumps(
        [
            {
                "id": key.pk,
                "mask": key.mask_value,
                "label": key.label,
                "email": key.user.email,
                "created_at": _moment(key.created_at),
                "last_used_at": _moment(key.last_used_at),
                "expires_at": _moment(key.expires_at),
                "scopes": key.scopes or [],
            }
            for key in keys
        ]
    )


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None


def _as_table(keys: list[PersonalAPIKey]) -> str:
    lines = [HEADINGS]
    for key in keys:
        moments = [_moment(moment) or "never" for moment in (key.created_at, key.last_used_at, key.expires_at)]
        words = (key.pk, key.mask_value, key.label, key.user.email, *moments, ",".join(key.scopes or []))
        # A label is what somebody typed: no control character of it reaches the terminal.
        lines.append(tuple("".join(c if c.isprintable() else "?" for c in word) for word in words))  # type: ignore[arg-type]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
