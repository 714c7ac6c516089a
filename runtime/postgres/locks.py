"""Locks that the kernel keeps: they end with the last process that holds them, so nothing goes stale after a kill -9.

A counter of users in a file was the other way; one `kill -9` and it never reaches zero again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_file(path: Path) -> int:
    """Open (and make, mode 0600) a lock file and return its descriptor, which children do not inherit.

    Root, working in a folder of somebody else, leaves the file to the owner of the folder, who needs it next time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0 and os.fstat(descriptor).st_uid == 0:
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of ``path`` alone; waits for it."""
    descriptor = open_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def share(path: Path) -> int:
    """Take a share of the lock and return the descriptor that holds it: in this process and in all that inherit it."""
    descriptor = open_file(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def try_exclusive(path: Path) -> int | None:
    """Return a descriptor that holds the lock alone, or ``None`` where any process has a share of it."""
    descriptor = open_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_free(path: Path) -> bool:
    """Return whether no process holds the lock of ``path``."""
    descriptor = try_exclusive(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True
