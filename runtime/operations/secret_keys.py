"""Where the key lies that signs sessions: no part of the database, and so of no backup."""

from __future__ import annotations

import os
from pathlib import Path

from runtime.bootstrap import places


def place() -> str:
    """Return in words where this installation's key is."""
    if os.environ.get("HEALTHTRACK_SECRET_KEY"):
        return "the environment variable HEALTHTRACK_SECRET_KEY"
    path = file()
    return f"the file {path}" if path else "made by the first `manage.py up`, in its data folder"


def file() -> Path | None:
    """Return the file that holds the key, ``None`` where there is none."""
    if named := os.environ.get("HEALTHTRACK_SECRET_KEY_FILE"):
        return Path(named)
    try:
        path = places.data_folder() / "secret_key"
    except places.NoPlace:
        return None
    return path if path.exists() else None
