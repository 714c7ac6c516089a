"""The file of a backup: a tar of ``database.dump`` (pg_dump's custom format) and, after it, ``manifest.json``.

A tar, so that ``tar xf`` and ``pg_restore`` do without us. The dump's length is known only when it is written, so its
header is written last; and the manifest stands behind it, so that a file whose writing was cut off has none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final

from environments import clock
from runtime.operations.errors import OperationFailed

DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
CHUNK: Final = 1024 * 1024
_MOST_MANIFEST: Final = 64 * 1024 * 1024  # bytes; a line for each table


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    made_at: str
    """ISO 8601, UTC: the moment of the snapshot."""
    postgresql: str
    """Version of the server that it was made of."""
    pg_dump: int
    """Major version of the program that wrote the dump: no older pg_restore reads it."""
    migrations: list[str]
    """``app.name`` of each migration that was applied."""
    tables: dict[str, int]
    """``schema.table`` → rows, counted in the snapshot that was dumped."""
    dump_sha256: str
    dump_bytes: int

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(self.tables.values())


def write(path: Path, dump: IO[bytes]) -> tuple[str, int]:
    """Write everything that ``dump`` gives into a new backup at ``path``; return SHA-256 and length.

    The file is for its owner alone: it holds everything. `finish` completes it.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(bytes(tarfile.BLOCKSIZE))
        digest, size = hashlib.sha256(), 0
        while chunk := dump.read(CHUNK):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.write(bytes(-size % tarfile.BLOCKSIZE))
    return digest.hexdigest(), size


def finish(path: Path, manifest: Manifest) -> None:
    """Complete the backup that `write` began, and see that it is on the disk."""
    content = json.dumps(asdict(manifest), indent=1).encode()
    with open(path, "r+b") as file:
        file.write(_header(DUMP, manifest.dump_bytes))
        file.seek(0, os.SEEK_END)
        file.write(_header(MANIFEST, len(content)) + content + bytes(-len(content) % tarfile.BLOCKSIZE))
        file.write(bytes(2 * tarfile.BLOCKSIZE))
        file.flush()
        os.fsync(file.fileno())


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
    return member.tobuf(tarfile.GNU_FORMAT)


def read(path: Path) -> Manifest:
    """Return the manifest of a backup whose dump is whole. Raises `OperationFailed`."""
    try:
        with open(path, "rb") as file, _open(path, file) as archive:
            found = archive.extractfile(MANIFEST)
            content = json.loads(found.read(_MOST_MANIFEST) if found else b"")
            manifest = Manifest(**content)
    except OSError as error:
        raise OperationFailed(f"{path} cannot be read: {error.strerror}.") from None
    except (tarfile.TarError, KeyError, ValueError, TypeError):
        raise OperationFailed(
            f"{path} is no complete backup of Healthtrack: its end is missing, or it was made by another program.\n"
            "(A dump of pg_dump alone is brought back with `manage.py pg pg_restore`.)"
        ) from None
    if manifest.format != FORMAT:
        raise OperationFailed(f"{path} is a backup of a newer version of Healthtrack. Restore it with that version.")
    _verify(path, manifest)
    return manifest


def _verify(path: Path, manifest: Manifest) -> None:
    digest = hashlib.sha256()
    with dump_of(path) as dump:
        while chunk := dump.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != manifest.dump_sha256:
        raise OperationFailed(f"{path} is damaged: its content is not what was written (SHA-256 differs).")


@contextmanager
def dump_of(path: Path) -> Iterator[IO[bytes]]:
    """Yield the dump in a backup, to be read from its beginning to its end."""
    with open(path, "rb") as file, _open(path, file) as archive:
        found = archive.extractfile(DUMP)
        if found is None:
            raise tarfile.ReadError(f"{DUMP} is no file")
        yield found


def _open(path: Path, file: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(name=str(path), fileobj=file, mode="r:")
