"""``DATABASE_URL`` → Django's ``DATABASES["default"]``.

``manage.py`` sets ``DATABASE_URL`` to the embedded PostgreSQL before Django is loaded, so that one spelling serves
both.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# Where no server is known (a `makemigrations`, a type check) Django still wants a name; connecting then fails with it.
NOWHERE = "postgresql://postgres@/healthtrack?host=/nonexistent"

UNREADABLE = (
    "DATABASE_URL cannot be read: write /, ?, #, @ and : of the password as %2F, %3F, %23, %40 and %3A; the port is a "
    "number"
)


def parse(url: str) -> dict[str, Any]:
    """Return Django's database settings for a ``postgresql://`` URL; query parameters become libpq options.

    Raises ``ValueError`` for another scheme, since only PostgreSQL (15 or newer) is supported, and for what is no URL;
    its text has nothing of the URL, which holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(UNREADABLE) from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must begin with postgresql://")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or options.pop("port", "") or ""),
        "OPTIONS": {
            "application_name": os.environ.get("HEALTHTRACK_ROLE", "healthtrack"),
            # A server that answers nothing at all must become a 503 while the client still waits; libpq's own limit is
            # that of TCP, minutes to hours, and would hold every thread for so long.
            "connect_timeout": "5",
            "tcp_user_timeout": "20000",
            **options,
        },
        # Persistent, checked before use: a connection per request would cost more than the request.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler in transaction mode may stand between
        "TEST": {"NAME": os.environ.get("HEALTHTRACK_TEST_DATABASE") or None},
    }


def from_environment() -> dict[str, Any]:
    """Return the settings for ``DATABASE_URL``."""
    return parse(os.environ.get("DATABASE_URL") or NOWHERE)
