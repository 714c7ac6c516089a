"""The rules of uploads: which data a symbol set still needs, and which release it may join. Pure.

Codes and texts are PostHog's: posthog-cli acts on some of them (pipeline 6.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from environments.api.inputs import uuid_or_none
from errortracking.models import SymbolSet
from errortracking.symbols.storage import ADDRESS_SECONDS, LARGEST_BYTES, made_at

REF_BYTES: Final = 2048
"""Of a reference, in UTF-8 (pipeline 2.6); an index of PostgreSQL takes no text much longer than that."""


class Refused(ValueError):
    """The upload cannot be had. ``code`` is a word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class OnConflict(Enum):
    """What to do with a set that has other data than the client's."""

    REFUSE = "refuse"
    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client wants to upload; of old clients the hash is not known before it comes."""

    ref: str
    release_id: str | None = None
    content_hash: str | None = None
    content_length: int | None = None


def checked(uploads: Sequence[Upload]) -> dict[str, UUID]:
    """Return the ids of the releases by what the uploads call them; raise `Refused` for what can never be had."""
    repeated = sorted(ref for ref, count in Counter(upload.ref for upload in uploads).items() if count > 1)
    if repeated:
        raise Refused("invalid_chunk_ids", f"Duplicate chunk IDs provided: {', '.join(repeated)}")
    oversized = sorted(upload.ref for upload in uploads if (upload.content_length or 0) > LARGEST_BYTES)
    if oversized:
        raise Refused("file_too_large", f"Symbol sets larger than 100MB cannot be uploaded: {', '.join(oversized)}")
    named = {text: uuid_or_none(text) for upload in uploads if (text := upload.release_id)}
    malformed = sorted(text for text, id_ in named.items() if id_ is None)
    if malformed:
        raise Refused("invalid_release_id", f"Invalid release ID provided: {', '.join(malformed)}")
    return {text: id_ for text, id_ in named.items() if id_}


def joins(row: SymbolSet, upload: Upload) -> bool:
    """Return whether a set without a release is to have the upload's; one that has a release never moves."""
    if not upload.release_id or row.release_id == uuid_or_none(upload.release_id):
        return False
    if row.release_id is not None:
        raise Refused("release_id_mismatch", f"Symbol set {row.ref} already has a release ID")
    return True


def needs_data(row: SymbolSet, upload: Upload, on_conflict: OnConflict) -> bool:
    """Return whether the data is to be sent."""
    if row.content_hash is None:
        return True  # pending, or a failure of an own attempt to fetch it
    if upload.content_hash is None:
        text = f"Symbol set {row.ref} already has content; provide a content_hash to update it."
        raise Refused("content_hash_required", text)
    if row.content_hash == upload.content_hash:
        # What could not be read is tried again when somebody insists: its parser may have died of something else.
        return row.failure_reason is not None and on_conflict is OnConflict.REPLACE
    if on_conflict is OnConflict.KEEP:
        return False
    if on_conflict is OnConflict.REPLACE:
        return True
    raise Refused("content_hash_mismatch", f"Symbol set {row.ref} already exists with different content.")


def shares_key(row: SymbolSet, upload: Upload, now: datetime) -> bool:
    """Return whether the same content is just being uploaded, by another build of the same code mostly.

    Then both send it to one place: neither takes the other's away. No longer than an address is good for, so that a key
    is not written to much later than it was made (`cleanup.SETTLED`).
    """
    if not upload.content_hash or row.content_hash is not None or row.begun_hash != upload.content_hash:
        return False
    made = made_at(row.storage_ptr or "")
    return made is not None and now - made < timedelta(seconds=ADDRESS_SECONDS)
