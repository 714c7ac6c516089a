"""``HEALTHTRACK_EMAIL_URL``: by which server mail leaves. Without it no mail is ever sent."""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

NAME: Final = "HEALTHTRACK_EMAIL_URL"
TIMEOUT_SECONDS: Final = 20  # a server that says nothing for longer is tried again by the task
_PORTS: Final = {"smtp": 587, "smtps": 465}
_FORM: Final = f"{NAME} must be smtp://user:password@host:587, smtps://user:password@host:465 or file:///folder"


def is_available() -> bool:
    """Return whether there is a server that takes mail."""
    return bool(os.environ.get(NAME, "").strip())


def from_environment() -> dict[str, Any]:
    """Return Django's settings of mail; raises ``ValueError`` for a URL of another form.

    ``smtp`` encrypts by STARTTLS unless ``?starttls=off`` follows, ``smtps`` from the first byte on; ``file`` writes
    each mail to a file of the folder.
    """
    text = os.environ.get(NAME, "").strip()
    if not text:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(_FORM) from None  # without the text: it may hold a password
    if url.scheme == "file" and url.path:
        backend = "django.core.mail.backends.filebased.EmailBackend"
        return {"EMAIL_BACKEND": backend, "EMAIL_FILE_PATH": unquote(url.path)}
    if url.scheme not in _PORTS or not url.hostname:
        raise ValueError(_FORM)
    plain = parse_qs(url.query).get("starttls", ["on"])[-1] == "off"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": url.hostname,
        "EMAIL_PORT": port or _PORTS[url.scheme],
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": url.scheme == "smtp" and not plain,
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_TIMEOUT": TIMEOUT_SECONDS,
    }
