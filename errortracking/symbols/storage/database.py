"""Symbol sets' data in PostgreSQL: in pieces, so that neither side ever holds an object whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import transaction

from environments.tenancy import sql
from errortracking.models import SymbolChunk
from errortracking.symbols.storage import LARGEST_BYTES, Missing, TooLarge, UploadForm, signing

PIECE_BYTES: Final = 512 * 1024
"""Of a row. Smaller ones cost a statement each; of a larger one psycopg and libpq hold several copies at a time."""

_TABLE: Final = SymbolChunk._meta.db_table
_CLEAR: Final = f"DELETE FROM {_TABLE} WHERE environment_id = %s AND key = %s"  # noqa: S608 - our own name
_ADD: Final = f"INSERT INTO {_TABLE} (environment_id, key, number, data) VALUES (%s, %s, %s, %b)"  # noqa: S608
_READ: Final = f"SELECT data FROM {_TABLE} WHERE environment_id = %s AND key = %s AND number = %s"  # noqa: S608
# PostgreSQL knows the length of a piece without reading it.
_MEASURE: Final = f"""
    SELECT count(*), sum(octet_length(data))::bigint FROM {_TABLE} WHERE environment_id = %s AND key = %s
"""  # noqa: S608


class Writer:
    """Takes an object bit by bit; ``size`` is how much there was so far, in bytes."""

    def __init__(self, environment_id: int, key: str) -> None:
        self.size = 0
        self._place = (environment_id, key)
        self._number = 0
        self._waiting = bytearray()
        with sql.cursor() as cursor:
            cursor.execute(_CLEAR, self._place)

    def add(self, data: bytes) -> None:
        """Take what comes next. Raises `TooLarge`."""
        self.size += len(data)
        if self.size > LARGEST_BYTES:
            raise TooLarge
        for start in range(0, len(data), PIECE_BYTES):
            self._waiting += data[start : start + PIECE_BYTES]
            if len(self._waiting) >= PIECE_BYTES:
                self._save(PIECE_BYTES)

    def finish(self) -> None:
        """Save what is left. An object without a byte is one empty piece: it is there."""
        if self._waiting or not self._number:
            self._save(len(self._waiting))

    def _save(self, length: int) -> None:
        with sql.cursor() as cursor:
            cursor.execute(_ADD, [*self._place, self._number, bytes(self._waiting[:length])])
        del self._waiting[:length]
        self._number += 1


class DatabaseStorage:
    """The default: whatever reaches the database reaches the data, and a backup holds it."""

    @contextmanager
    def writing(self, environment_id: int, key: str) -> Iterator[Writer]:
        """Yield what takes the data; all of it is there once the block has ended well, and none where it raised."""
        with transaction.atomic():
            writer = Writer(environment_id, key)
            yield writer
            writer.finish()

    def write(self, environment_id: int, key: str, pieces: Iterable[bytes]) -> int:
        """Store ``pieces`` under ``key``, see `Storage.write`."""
        with self.writing(environment_id, key) as writer:
            for piece in pieces:
                writer.add(piece)
        return writer.size

    def read(self, environment_id: int, key: str) -> Iterator[bytes]:
        """Return the data in pieces, see `Storage.read`. Raises `Missing` halfway where it is deleted meanwhile."""
        count, _ = _measure(environment_id, key)
        if not count:
            raise Missing(key)
        return self._pieces(environment_id, key, count)

    def _pieces(self, environment_id: int, key: str, count: int) -> Iterator[bytes]:
        for number in range(count):
            with sql.cursor() as cursor:
                row = cursor.execute(_READ, [environment_id, key, number], binary=True).fetchone()
            if row is None:
                raise Missing(key)
            yield row[0]

    def size(self, environment_id: int, key: str) -> int | None:
        """Return how many bytes are there, see `Storage.size`."""
        count, size = _measure(environment_id, key)
        return size if count else None

    def delete(self, project_id: int, keys: Iterable[str]) -> None:
        """Delete what is under ``keys``, see `Storage.delete`."""
        with sql.cursor() as cursor:
            for key in keys:
                cursor.execute(_CLEAR, [project_id, key])

    def upload_form(self, environment_id: int, key: str, base_url: str) -> UploadForm:
        """Return a form that leads to this server, see `Storage.upload_form`."""
        url = signing.address(base_url, signing.UPLOAD, signing.Grant(environment_id, key))
        return UploadForm(
            url, {"key": key}
        )  # what it is good for stands in the address; S3's forms have this field too

    def download_url(self, environment_id: int, key: str, base_url: str) -> str:
        """Return an address of this server, see `Storage.download_url`."""
        return signing.address(base_url, signing.DOWNLOAD, signing.Grant(environment_id, key))


def _measure(environment_id: int, key: str) -> tuple[int, int]:
    with sql.cursor() as cursor:
        count, size = cursor.execute(_MEASURE, [environment_id, key]).fetchone() or (0, None)
    return int(count), int(size or 0)
