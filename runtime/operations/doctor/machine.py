"""Checks of this machine: its disk, the data folder and the secret key."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

from errortracking.ingest import disk
from errortracking.models.backlog import MEGABYTE
from runtime.bootstrap import places
from runtime.operations import secret_keys
from runtime.operations.doctor.report import Finding, note, ok, wrong

GIGABYTE: Final = 1024 * MEGABYTE
SOON: Final = 2 * GIGABYTE  # free bytes from which on it is time to act: events are refused at MIN_FREE_DISK_MB
KEY_LENGTH: Final = 32  # characters; Django's own check wants 50, of which 32 random ones would do


def data_folder() -> Iterator[Finding]:
    """Look whether the data folder can be used, and by whom else."""
    try:
        folder = places.data_folder()
    except places.NoPlace as error:
        yield wrong("data folder", str(error), "Name one by --data-dir or HEALTHTRACK_DATA_DIR.")
        return
    if not folder.is_dir() and not places.is_writable(folder):
        text = f"{folder} is not there, and this account cannot make it."
        yield wrong("data folder", text, "Run as an account that can, or choose another folder with --data-dir.")
        return
    if not folder.is_dir():
        yield note("data folder", f"{folder} is not there. `manage.py up` makes it.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        text = f"{folder} cannot be written by this account, which {_owner(folder)} can."
        yield wrong("data folder", text, "Run as that account, or choose another folder with --data-dir.")
    elif mode & 0o022:
        text = f"{folder} can be written by others (mode {mode:o}): they can put another database in its place."
        yield wrong("data folder", text, f"chmod go-w {folder}")
    else:
        yield ok("data folder", f"{folder} is for its owner to write.")


def _owner(folder: Path) -> str:
    try:
        return f"{folder.owner()!r}"
    except (KeyError, NotImplementedError):
        return f"the user {folder.stat().st_uid}"


def secret_key() -> Iterator[Finding]:
    """Look whether there is a key that all processes share, and who can read it."""
    name = "secret key"
    if os.environ.get("HEALTHTRACK_SECRET_KEY"):
        if len(settings.SECRET_KEY) < KEY_LENGTH:
            text = f"HEALTHTRACK_SECRET_KEY has {len(settings.SECRET_KEY)} characters: it can be guessed."
            yield wrong(name, text, "Set a random one of 50 characters. Everybody logs in again.")
        else:
            yield ok(name, "It is given by HEALTHTRACK_SECRET_KEY, which must be the same on all machines.")
        return
    path = secret_keys.file()
    if path is None:
        yield note(name, "There is none yet. The first `manage.py up` makes it.")
    elif not os.access(path, os.R_OK):
        yield wrong(name, f"{path} cannot be read by this account.", f"Run as the owner of {path}.")
    elif mode := stat.S_IMODE(path.stat().st_mode) & 0o077:
        text = f"{path} can be read by others (mode {mode:o} beyond the owner's): who has it can make sessions."
        fix = f"chmod 600 {path}. If others may have read it, delete it and start again: everybody logs in again."
        yield wrong(name, text, fix)
    else:
        yield ok(name, f"{path} is for its owner alone. No backup of the database holds it: keep a copy.")


def free_disk() -> Iterator[Finding]:
    """Look how much room is left for the database."""
    space = disk.read()
    if space.database is not None and not space.is_enough:
        text = f"The database has {space.database / GIGABYTE:,.1f} GB, more than HEALTHTRACK_MAX_DATABASE_MB allows."
        yield wrong("disk", f"{text} Events are refused with 503.", _MAKE_ROOM)
    elif space.free is None:
        yield note("disk", "The database's disk is another machine's, and cannot be looked at from here.")
    else:
        yield _judge("disk", "the database", space.free)


def free_data_disk() -> Iterator[Finding]:
    """Look at the disk of the data folder, where the database may not lie."""
    folder = places.data_folder()
    while not folder.exists():
        folder = folder.parent
    yield _judge("disk of the data folder", f"{folder}", shutil.disk_usage(folder).free)


_MAKE_ROOM: Final = (
    "Make room, or keep events for a shorter time: HEALTHTRACK_MAX_EVENT_AGE_DAYS, or the age of a single project.\n"
    "What is dropped frees its room at once, a day at a time."
)


def _judge(name: str, whose: str, free: int) -> Finding:
    text = f"{free / GIGABYTE:,.1f} GB are free on the disk of {whose}."
    if free < settings.MIN_FREE_DISK_MB * MEGABYTE:
        return wrong(name, f"{text} Events are refused with 503 below {settings.MIN_FREE_DISK_MB:,} MB.", _MAKE_ROOM)
    if free < SOON:
        return wrong(name, f"{text} At {settings.MIN_FREE_DISK_MB:,} MB events are refused.", _MAKE_ROOM)
    return ok(name, text)
