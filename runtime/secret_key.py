"""The key that signs sessions: given by the environment, else kept in the data folder from the first start on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def ensure(data: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what to add to the environment of processes that need the key, making ``<data>/secret_key`` if needed.

    Nothing is added where ``HEALTHTRACK_SECRET_KEY`` or ``HEALTHTRACK_SECRET_KEY_FILE`` is set. Raises ``OSError``.
    """
    if environ.get("HEALTHTRACK_SECRET_KEY") or environ.get("HEALTHTRACK_SECRET_KEY_FILE"):
        return {}
    path = data / "secret_key"
    if not path.exists() or not path.stat().st_size:
        _make(path)
    return {"HEALTHTRACK_SECRET_KEY_FILE": str(path)}


def _make(path: Path) -> None:
    # Complete under another name before it gets its own: a start that was killed half-way leaves no half key.
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
