"""Addresses of destinations: which are taken, and what is shown of them. Pure functions over texts."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from outbound import urls
from outbound.errors import NotAnAddress

EMAIL: Final = "email"
_LONGEST_SHOWN_AS_IS: Final = 12  # characters of a path that are too few for a secret
_TAIL: Final = 4


def problem(kind: str, target: str) -> str | None:
    """Return what is wrong with the target of a destination of this kind, ``None`` where nothing is.

    What a name resolves to is not asked here but whenever it is connected to.
    """
    if kind == EMAIL:
        try:
            validate_email(target)
        except ValidationError:
            return "Enter a valid email address."
        return None
    if not target.isprintable():  # a parser may leave line breaks out: another address than people see
        return "Enter an http or https address: it holds characters that cannot be seen."
    try:
        urls.parse(target)
    except NotAnAddress as error:
        return f"Enter an http or https address: {error.reason}."
    return None


def shown(target: str) -> str:
    """Return what people may see of a target, enough to tell their own apart.

    Who has the address of a webhook can write into its channel, so of path and query only the end is shown.
    """
    if "://" not in target:
        return target
    try:
        parts = urlsplit(target)
    except ValueError:
        return "…"
    secret = target.removeprefix(f"{parts.scheme}://").removeprefix(parts.netloc)
    if len(secret) <= _LONGEST_SHOWN_AS_IS:
        return target
    return f"{parts.scheme}://{parts.netloc}{_short(secret)}"


def without(text: str, address: str) -> str:
    """Return what a receiver has answered without the secret part of its address: some say what they were asked for."""
    secret = urls.parse(address).target
    return text.replace(secret, _short(secret)) if len(secret) > _LONGEST_SHOWN_AS_IS else text


def _short(secret: str) -> str:
    return f"/…{secret[-_TAIL:]}"
