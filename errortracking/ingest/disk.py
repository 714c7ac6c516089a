"""How much room the database has left on its disk.

A PostgreSQL whose disk is full stops in the middle of what it does and may not start again; so events are refused while
there is still room for what has been accepted to be processed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connection, transaction

from environments.tenancy import sql
from errortracking.models.backlog import MEGABYTE


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes. ``free``: on the disk of a database on this machine; ``database``: its size; None where not asked for."""

    free: int | None
    database: int | None

    @property
    def is_enough(self) -> bool:
        """Whether there is room for more by ``HEALTHTRACK_MIN_FREE_DISK_MB`` and ``HEALTHTRACK_MAX_DATABASE_MB``."""
        if self.free is not None and self.free < settings.MIN_FREE_DISK_MB * MEGABYTE:
            return False
        return self.database is None or self.database <= settings.MAX_DATABASE_MB * MEGABYTE


def read() -> Space:
    """Return how much room there is. Raises ``django.db.OperationalError`` where the database is away.

    The disk is looked at where the database is reached through a socket file, which is how the embedded one is, and
    its role may see where its data lies. A server elsewhere has a disk that no SQL tells of: for it there is a bound on
    the size of the database.
    """
    return Space(_free(), _size() if settings.MAX_DATABASE_MB else None)


def _free() -> int | None:
    if not settings.MIN_FREE_DISK_MB or not str(connection.settings_dict["HOST"]).startswith("/"):
        return None
    try:
        with transaction.atomic(), sql.cursor() as cursor:  # a refusal must not spoil a transaction of the caller's
            (folder,) = cursor.execute("SHOW data_directory").fetchone() or ("",)
    except Error as error:
        if getattr(error.__cause__, "sqlstate", None) != "42501":  # not allowed to know
            raise
        return None
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def _size() -> int:
    with sql.cursor() as cursor:
        (size,) = cursor.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)
