"""Typed readers of environment variables. They know nothing of Django, so that settings can use them first."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def text(name: str, default: str) -> str:
    """Return the variable ``name``, or ``default`` where it is unset or empty."""
    return os.environ.get(name) or default


def boolean(name: str, default: bool) -> bool:
    """Return whether ``name`` is one of 1, true, yes, on (any case); ``default`` where it is unset or empty.

    Raises ``ValueError`` for a word that is neither a yes nor a no: a typing error must not switch something off.
    """
    word = os.environ.get(name, "").strip().lower()
    if not word:
        return default
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{name} must be one of 1, true, yes, on, 0, false, no, off; it is {word!r}")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    """Return ``name`` as an integer of at least ``minimum``; ``default`` where unset or empty. Raises
    ``ValueError``."""
    word = os.environ.get(name, "").strip()
    if not word:
        return default
    try:
        value = int(word)
    except ValueError:
        raise ValueError(f"{name} must be a whole number; it is {word!r}") from None
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}; it is {value}")
    return value


def words(name: str, default: list[str]) -> list[str]:
    """Return the comma-separated words of ``name``, blanks stripped, empty ones dropped."""
    value = os.environ.get(name)
    return default if value is None else [word.strip() for word in value.split(",") if word.strip()]


def site_url() -> str:
    """Return the address that others see, without a slash at the end, for links.

    ``HEALTHTRACK_SITE_URL``, else where ``up`` listens on this data folder (it notes that in ``run/url``), else where
    it listens by default: a command beside the server must not print links to another port.
    """
    if named := os.environ.get("HEALTHTRACK_SITE_URL"):
        return named.rstrip("/")
    noted = ""
    if folder := os.environ.get("HEALTHTRACK_DATA_DIR"):
        with contextlib.suppress(OSError):  # nothing runs, or it is another user's
            noted = Path(folder, "run", "url").read_text(encoding="utf-8").strip()
    return noted or "http://127.0.0.1:8000"


def secret_key() -> str:
    """Return ``HEALTHTRACK_SECRET_KEY``, else the content of ``HEALTHTRACK_SECRET_KEY_FILE``, else a key for this
    process.

    ``manage.py up`` keeps a key file in the data folder and names it in the environment of every process it starts.
    A key for one process alone is right for commands such as ``migrate`` and for the tests, where nothing is signed
    that another process must read; the web process refuses to start with it (``config.wsgi``).
    """
    if value := os.environ.get("HEALTHTRACK_SECRET_KEY"):
        return value
    if path := os.environ.get("HEALTHTRACK_SECRET_KEY_FILE"):
        return Path(path).read_text(encoding="ascii").strip()
    return secrets.token_urlsafe(48)
