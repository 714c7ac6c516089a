"""Where a cluster lives: ``<data folder>/postgresql``, or behind a link of that name.

Root starts the server as another account, which cannot enter a data folder below ``/root`` or another closed folder.
The folders above belong to the user and are never opened up; the cluster goes to :data:`OUTSIDE` instead.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from pathlib import Path

from runtime.postgres import account as accounts
from runtime.postgres.account import Account
from runtime.postgres.errors import PostgresError

NAME = "postgresql"
OUTSIDE = Path("/var/lib/healthtrack")
"""Where root keeps the clusters of data folders that the server's account cannot enter."""


def find_or_make(data_dir: Path) -> tuple[Path, Account]:
    """Return the home of the cluster of ``data_dir`` and the account that runs it; makes folders, links where needed.

    Raises :class:`PostgresError` where that is not possible.
    """
    link = data_dir / NAME
    if data_dir.exists() and not data_dir.is_dir():
        raise PostgresError(f"{data_dir} is not a folder. Choose another --data-dir.")
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(parents=True)
            _open(data_dir)
        if not os.path.lexists(link):
            _make(link, accounts.choose())
    except OSError as error:
        raise PostgresError(
            f"The data folder {data_dir} cannot be used: {error.strerror}. Choose another --data-dir."
        ) from None
    return _existing(link)


def _existing(link: Path) -> tuple[Path, Account]:
    home = link.resolve()
    if not home.is_dir():
        raise PostgresError(
            f"{link} leads to {home}, which is not there. Bring that folder back, or choose another --data-dir."
        )
    found = home.stat()
    if stat.S_IMODE(found.st_mode) & 0o022 or not os.access(home, os.W_OK):
        raise PostgresError(
            f"{home} holds PostgreSQL's data and must be writable by its owner alone (run as that user, or as root)."
        )
    account = accounts.choose(_owner(home))
    if not account.can_enter(home):
        raise PostgresError(
            f"PostgreSQL runs as {account.name!r} here, and that account cannot enter {home}.\n"
            "Choose a --data-dir that it can enter, run as an ordinary user, or set DATABASE_URL."
        )
    return home, account


def _owner(home: Path) -> int | None:
    """Return the uid that owns the data, ``None`` where there are none yet."""
    for path in (home / "data", home):
        try:
            return path.stat().st_uid or None
        except FileNotFoundError:
            continue
    return None


def _make(link: Path, account: Account) -> None:
    if account.can_enter(link.parent):
        link.mkdir(exist_ok=True)
        _open(link)
        return
    OUTSIDE.mkdir(parents=True, exist_ok=True)
    if left := _abandoned():
        names = ", ".join(map(str, left))
        print(
            f"healthtrack: databases whose data folder is gone (moved or removed; see `belongs-to`): {names}",
            file=sys.stderr,
        )
    home = OUTSIDE / secrets.token_hex(8)
    home.mkdir()
    _open(home)
    if not account.can_enter(home):
        home.rmdir()
        raise PostgresError(
            f"PostgreSQL runs as {account.name!r} here, which can enter neither {link.parent} nor {OUTSIDE}.\n"
            "Choose a --data-dir that it can enter, run as an ordinary user, or set DATABASE_URL."
        )
    (home / "belongs-to").write_text(f"{link}\n", encoding="utf-8")
    try:
        link.symlink_to(home)
    except FileExistsError:  # another command was faster: its home is the one
        (home / "belongs-to").unlink()
        home.rmdir()


def _abandoned() -> list[Path]:
    """Return the homes whose data folder is not there any more. Whether one is still needed is for a person to say."""
    found = []
    for note in sorted(OUTSIDE.glob("*/belongs-to")):
        link = Path(note.read_text(encoding="utf-8", errors="replace").rstrip("\n"))
        if not link.parent.exists():
            found.append(note.parent)
    return found


def _open(folder: Path) -> None:
    """Set the mode of a folder just made: passable for the server's account under root, closed otherwise."""
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
