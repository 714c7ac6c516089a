"""Where the data of symbol sets is kept: in PostgreSQL, or in an object store that speaks S3's API.

Rows point at data by its key (`SymbolSet.storage_ptr`), and data is written once under a key and never changed: new
data gets a new key. Whoever deletes or changes a row need not care for the data: a trigger writes the key down, and a
sweep deletes it (`errortracking.symbols.cleanup`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

from environments.ids import moment_of, uuid7

LARGEST_BYTES: Final = 100 * 1024 * 1024  # of one symbol set (contract 10)
ADDRESS_SECONDS: Final = 300  # how long a signed address is good for (pipeline 6.2)


class Missing(Exception):
    """There is no data under that key."""


class TooLarge(Exception):
    """The data is larger than `LARGEST_BYTES`. What of it was written is gone again."""


class Unavailable(Exception):
    """The object store cannot be reached or refuses: another try may succeed. The text is for the log."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where and how a client uploads: multipart to ``url``, all ``fields`` first, then the part ``file``."""

    url: str
    fields: dict[str, str]


class Storage(Protocol):
    """What a place for the data of symbol sets can do. All of it may raise `Unavailable`."""

    def write(self, environment_id: int, key: str, pieces: Iterable[bytes]) -> int:
        """Store ``pieces``, of any size, one after the other under ``key``; return how many bytes they were.

        All of it is there afterwards or none: also where ``pieces`` raises. Raises `TooLarge`.
        """

    def read(self, environment_id: int, key: str) -> Iterator[bytes]:
        """Yield the data in pieces of at most a few hundred KB. Raises `Missing`, at the call and not at the first."""

    def size(self, environment_id: int, key: str) -> int | None:
        """Return how many bytes are there; ``None`` where nothing is."""

    def delete(self, project_id: int, keys: Iterable[str]) -> None:
        """Delete what is under ``keys``; those that are not there are no mistake."""

    def upload_form(self, environment_id: int, key: str, base_url: str) -> UploadForm:
        """Return a form by which anybody can upload to ``key`` for `ADDRESS_SECONDS`.

        ``base_url`` is the address of this server as the client sees it, without a slash at its end.
        """

    def download_url(self, environment_id: int, key: str, base_url: str) -> str:
        """Return an address by which anybody can download ``key`` for `ADDRESS_SECONDS`."""


@cache
def storage() -> Storage:
    """Return the place that the settings name."""
    if settings.S3_BUCKET:
        from errortracking.symbols.storage.s3 import ObjectStore, from_settings

        store: ObjectStore = from_settings()
        return store
    from errortracking.symbols.storage.database import DatabaseStorage

    return DatabaseStorage()


def new_key() -> str:
    """Return a key for new data."""
    return f"symbolsets/{uuid7()}"


def made_at(key: str) -> datetime | None:
    """Return when a key was made; None for what is no key of ours."""
    try:
        return moment_of(UUID(key.rpartition("/")[2]))
    except (ValueError, OverflowError):
        return None
