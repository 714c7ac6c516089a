"""Symbol sets' rows as this server writes them by itself: data that came in one piece, or why there is none.

What clients upload in several steps is `errortracking.symbols.uploads`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import StackFrame, SymbolGarbage
from errortracking.symbols import wishes
from errortracking.symbols.failures import Failure
from errortracking.symbols.storage import Missing, new_key, storage

# A set that is bound to a release stays with it (pipeline 6.2).
_SAVE: Final = """
    INSERT INTO errortracking_symbolset AS s
        (environment_id, id, ref, created_at, storage_ptr, content_hash, release_id, last_used)
    VALUES (%(environment)s, %(id)s, %(ref)s, %(now)s, %(key)s, %(hash)s, %(release)s, %(used)s)
    ON CONFLICT (environment_id, ref) DO UPDATE
    SET storage_ptr = excluded.storage_ptr, content_hash = excluded.content_hash, failure_reason = NULL,
        release_id = coalesce(s.release_id, excluded.release_id), last_used = coalesce(excluded.last_used, s.last_used)
    WHERE s.storage_ptr IS NULL OR NOT %(keep)s
    RETURNING id
"""
# Whoever has data, or is just uploading it, keeps it: a failure to fetch it says nothing about it.
_FAIL: Final = """
    INSERT INTO errortracking_symbolset AS s (environment_id, id, ref, created_at, failure_reason, last_used)
    VALUES (%(environment)s, %(id)s, %(ref)s, %(now)s, %(reason)s, %(now)s)
    ON CONFLICT (environment_id, ref) DO UPDATE
    SET failure_reason = excluded.failure_reason, last_used = excluded.last_used WHERE s.storage_ptr IS NULL
"""


class Kept(Exception):
    """There is data for it already, or it is just being uploaded."""


class _Hashed:
    """Passes pieces on and makes their SHA-512."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.sha512 = hashlib.sha512()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.sha512.update(piece)
            yield piece


def store(
    environment_id: int,
    ref: str,
    pieces: Iterable[bytes],
    *,
    release_id: UUID | None = None,
    used_at: datetime | None = None,
    keep: bool = False,
    also: Sequence[str] = (),
) -> UUID:
    """Store the data of the symbol set ``ref``, which is made where it is not there, and return the set's id.

    From then on the set has this data: frames that another one resolved are forgotten, those that lacked one are asked
    to be resolved again, and so are those that lack one of the sets ``also``. ``release_id`` binds a set that is bound
    to none; ``used_at`` is for data that an event has just asked for; with ``keep``, data that somebody else has
    brought by now stays, and `Kept` is raised. Raises `storage.TooLarge`, `storage.Unavailable`, and ``IntegrityError``
    where the project or the release is gone.

    Not to be called in a transaction: the storage may be far away, and a key must be known to be unused, for the sweep,
    before anything lies under it.
    """
    key = new_key()
    SymbolGarbage.objects.create(key=key, project_id=environment_id)
    hashed = _Hashed(pieces)
    storage().write(environment_id, key, hashed)
    row = {
        **_new(environment_id, ref),
        "key": key,
        "hash": hashed.sha512.hexdigest(),
        "release": release_id,
        "used": used_at,
        "keep": keep,
    }
    with transaction.atomic():
        if not SymbolGarbage.objects.filter(key=key).delete()[0]:
            raise Missing(key)  # it took so long that the sweep has been here
        with sql.cursor() as cursor:
            saved = cursor.execute(_SAVE, row).fetchone()
        if saved is None:
            raise Kept(ref)  # rolled back: the sweep knows the key still, and deletes the data
        id_: UUID = saved[0]
        frames = StackFrame.objects.filter(environment_id=environment_id, symbol_set_id=id_)
        frames.filter(missing_ref__isnull=True).delete()  # those that wait are resolved in their place
        wishes.changed(environment_id, ref, *also)
    return id_


def record_failure(environment_id: int, ref: str, failure: Failure) -> None:
    """Write down why there is no data for ``ref``, and that it was tried just now; nothing where there is data."""
    with sql.cursor() as cursor:
        cursor.execute(_FAIL, {**_new(environment_id, ref), "reason": failure.reason})


def _new(environment_id: int, ref: str) -> dict[str, Any]:
    now = clock.now()
    return {"environment": environment_id, "id": uuid7(now), "ref": ref, "now": now}
