"""A bounded folder of symbol data on this machine's disk, so that each file is fetched from the storage once.

Data under a key never changes, so nothing here is ever out of date. All processes of a machine share the folder. Who
uses a file holds a shared lock on it, which the kernel lets go of whatever becomes of the process; a file is deleted
only by one who gets it alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from errortracking.symbols.storage import storage

UNUSED_SECONDS = 24 * 3600  # then a file goes, so that what was deleted for good does not stay here for good
_HALF_SECONDS = 3600  # an unfinished file this old has nobody who writes it
_HALF = ".part"
_WHOLE = ".symbols"


@contextmanager
def local(environment_id: int, key: str) -> Iterator[Path]:
    """Give the stored object as a file that stays there for the length of the block, whatever others do meanwhile.

    Raises `storage.Missing` where the storage has no such object, `storage.Unavailable` where it is down, and OSError
    where the disk is full.
    """
    folder = Path(settings.SYMBOL_CACHE_DIR)
    name = hashlib.sha256(f"{environment_id}/{key}".encode()).hexdigest()  # never a path of the key's own making
    path = folder / (name + _WHOLE)
    was_fetched = False
    while (file := _held(path)) is None:
        _fetch(environment_id, key, path)
        was_fetched = True
    try:
        yield path
    finally:
        os.close(file)
        if was_fetched or not settings.SYMBOL_CACHE_MB:
            shrink(folder, settings.SYMBOL_CACHE_MB * 1024 * 1024)


def shrink(folder: Path, most_bytes: int) -> None:
    """Delete files that nobody uses: the old ones, and then of the others those used longest ago, to ``most_bytes``.

    Files in use may keep the folder above its bound for as long as they are used.
    """
    now = time.time()
    total = 0
    for used, size, path in sorted(_files(folder), reverse=True):
        total += size
        keep = _HALF_SECONDS if path.suffix == _HALF else UNUSED_SECONDS
        if (total > most_bytes and path.suffix != _HALF) or now - used > keep:
            total -= size if _delete(path) else 0


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((_WHOLE, _HALF)):
                with suppress(FileNotFoundError):  # another process was faster
                    about = entry.stat()
                    yield about.st_mtime, about.st_size, Path(entry.path)


def _held(path: Path) -> int | None:
    """Return the open and locked file, marked as used now; None where there is none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        if not _is_at(file, path):  # deleted between the two
            os.close(file)
            return None
        os.utime(file)
    except OSError:
        os.close(file)
        raise
    return file


def _delete(path: Path) -> bool:
    """Delete a file unless somebody uses it; say whether it is gone."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file, path):  # not another one, which may be in use
            path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _is_at(file: int, path: Path) -> bool:
    """Say whether the open and locked file is still the one of that name; it stays so for as long as it is locked."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _fetch(environment_id: int, key: str, path: Path) -> None:
    """Bring the object from the storage; several processes may do so at a time, and the first one's file stays."""
    pieces = storage().read(environment_id, key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # sources of programs are nobody else's business
    half = path.with_name(f"{path.stem}-{uuid4().hex}{_HALF}")
    try:
        with open(half, "xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())  # or a power cut leaves the name and not the data
        with suppress(FileExistsError):  # not replaced: the one that is there may be in use, under a lock of its own
            os.link(half, path)
    finally:
        half.unlink(missing_ok=True)
