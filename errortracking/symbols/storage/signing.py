"""Addresses of this server that are good for one act on one key and for five minutes: they need no other credentials.

What is allowed and until when stands in the query string, which no log shows, and is signed with the secret key. So any
machine of an installation can answer what another one has handed out, and nothing has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote

from django.core import signing

from environments import clock
from errortracking.symbols.storage import ADDRESS_SECONDS

UPLOAD: Final = "/symbolsets/upload"
DOWNLOAD: Final = "/symbolsets/download"
PARAMETER: Final = "signature"
_SALT: Final = "errortracking.symbols.storage"  # and the path: a signature for one act says nothing about another
_LONGEST: Final = 1_000  # characters; ours have some 150


class Invalid(Exception):
    """No signature of ours for this act."""


class Expired(Exception):
    """It was one; its time is over."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an address allows: to write, or to read, this key of this project."""

    environment_id: int
    key: str


def address(base_url: str, path: str, grant: Grant) -> str:
    """Return the address at which `ADDRESS_SECONDS` from now ``grant`` holds; ``path`` is `UPLOAD` or `DOWNLOAD`."""
    until = int(clock.now().timestamp()) + ADDRESS_SECONDS
    signature = _signer(path).sign_object([grant.environment_id, grant.key, until])
    return f"{base_url}{path}?{PARAMETER}={quote(signature)}"


def check(path: str, signature: str) -> Grant:
    """Return what ``signature`` allows at ``path``. Raises `Invalid` or `Expired`."""
    if len(signature) > _LONGEST:
        raise Invalid
    try:
        environment_id, key, until = _signer(path).unsign_object(signature)
    except Exception as error:  # what is signed is ours; everything else fails in the ways of base64, JSON and texts
        raise Invalid from error
    if clock.now().timestamp() > until:
        raise Expired
    return Grant(environment_id, key)


def may_upload(path: str, query: str) -> bool:
    """Return whether a request with this path and query string is one that may bring a whole symbol set."""
    if path != UPLOAD or len(query) > 2 * _LONGEST:
        return False
    try:
        check(UPLOAD, parse_qs(query).get(PARAMETER, [""])[0])
    except (Invalid, Expired, ValueError):
        return False
    return True


def _signer(path: str) -> Any:
    return signing.Signer(salt=f"{_SALT}:{path}")
