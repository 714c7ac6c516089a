"""The folder of the unix socket: short, private, and gone after the stop."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from runtime.bootstrap import places
from runtime.postgres.account import Account
from runtime.postgres.errors import PostgresError

PORT = 5432
"""The number in the socket's file name. No TCP port is opened; each cluster has a folder of its own."""

LONGEST = 103 - len(f"/.s.PGSQL.{PORT}.lock")
"""The longest folder name: an address holds 104 bytes on macOS (108 on Linux), with the final zero."""


def make(home: Path, account: Account) -> Path:
    """Make the socket folder of the cluster in ``home`` and return it: mode 0700, owned by the server's account.

    Its name depends on ``home`` alone, so that a server that is started again listens where its clients look. Where
    something else has that name, the next temporary folder is tried. Raises :class:`PostgresError` where none is left.
    """
    name = f"healthtrack-pg-{account.uid}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:10]}"
    bases = [Path("/tmp"), *places.temporary_folders(), home]  # noqa: S108 - the folder is checked below
    for base in bases:
        folder = base / name
        if len(os.fsencode(folder)) <= LONGEST and _is_safe(base) and _make(folder, account):
            return folder
    raise PostgresError(f"No folder is left for PostgreSQL's socket (tried {', '.join(map(str, bases))}).")


def is_private(folder: Path, account: Account) -> bool:
    """Return whether ``folder`` is a real directory (no link) of ``account`` that nobody else can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and not found.st_mode & 0o077


def remove(folder: Path, account: Account) -> None:
    """Remove the socket folder and what a killed server left in it; silent where it is not ours or not empty then."""
    if not is_private(folder, account) or not folder.name.startswith("healthtrack-pg-"):
        return
    with contextlib.suppress(OSError):
        _empty(folder)
        folder.rmdir()


def _empty(folder: Path) -> None:
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink()


def _is_safe(base: Path) -> bool:
    """Return whether nobody else can put another folder in the place of one that we made in ``base``."""
    try:
        mode = base.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISVTX) or not mode & (stat.S_IWGRP | stat.S_IWOTH)


def _make(folder: Path, account: Account) -> bool:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not (is_private(folder, account) and account.can_enter(folder)):
            return False
        # A killed server's lock file holds its process id, which may be a zombie's or somebody else's by now:
        # PostgreSQL would refuse to start.
        _empty(folder)
        return True
    except OSError:
        return False
    account.own(folder)
    if account.can_enter(folder):
        return True
    folder.rmdir()
    return False
