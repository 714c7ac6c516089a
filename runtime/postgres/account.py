"""The account that PostgreSQL runs under: it refuses root, so root starts it as somebody else."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from runtime.postgres.errors import PostgresError

# `postgres` first: another program running as `nobody` could reach a server that runs as `nobody`.
CANDIDATES = ("postgres", "nobody")


class Switch(TypedDict, total=False):
    """The arguments of ``subprocess.run`` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """Who runs the PostgreSQL programs. ``switched`` is true when we are root and they are not."""

    name: str
    uid: int
    gid: int
    switched: bool

    def switch(self) -> Switch:
        """Return the arguments for ``subprocess`` that start a program as this account."""
        return Switch(user=self.uid, group=self.gid, extra_groups=[]) if self.switched else Switch()

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account can enter ``folder``: every folder above it included.

        Asked of the kernel, by trying: modes alone know nothing of access lists or of mounts.
        """
        if not self.switched:
            return os.access(folder, os.X_OK)
        tried = subprocess.run(
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", os.fspath(folder)],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **self.switch(),
        )
        return tried.returncode == 0

    def own(self, path: Path) -> None:
        """Give ``path``, which the caller has just made, to this account. Raises :class:`PostgresError`."""
        if not self.switched:
            return
        try:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        except OSError as error:
            raise PostgresError(
                f"{path} cannot be given to {self.name!r}, which PostgreSQL runs as ({error.strerror}).\n"
                "Choose a --data-dir on a local disk, run as an ordinary user, or set DATABASE_URL."
            ) from None


def choose(owner: int | None = None) -> Account:
    """Return the account for a cluster whose data belongs to the uid ``owner`` (``None``: a new one).

    An ordinary user runs it as itself. Root runs it as the owner of the data, so that `sudo` and no `sudo` can share a
    folder, else as one of ``CANDIDATES``. Raises :class:`PostgresError` where there is no such account.
    """
    uid = os.geteuid()
    if uid != 0:
        return _entry(uid, switched=False)
    if owner:
        return _entry(owner, switched=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
    raise PostgresError(
        "PostgreSQL does not run as root, and this machine has neither an account `postgres` nor `nobody`.\n"
        "Run as an ordinary user, or set DATABASE_URL."
    )


def _entry(uid: int, *, switched: bool) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise PostgresError(
            f"PostgreSQL needs an account with a name, and the user id {uid} has none in /etc/passwd.\n"
            "Run as an account that has one, or set DATABASE_URL."
        ) from None
    return Account(entry.pw_name, uid, entry.pw_gid, switched)
