"""The release of an event, as far as it follows from the event alone; a later stage looks it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha512
from uuid import UUID

import orjson

from environments import clock
from errortracking.models.release_metadata import without_credentials
from errortracking.pipeline.exceptions import Json, JsonObject

# Bytes of JSON: what builds write about themselves takes a few hundred. Every event carries a copy, so the megabyte
# that a release may hold is left with the release.
MAX_SHOWN_METADATA = 16 * 1024
MAX_SHOWN_TEXT = 1_000  # characters of version and project, each; for the same reason, and nobody calls a version so


@dataclass(frozen=True, slots=True)
class ReleaseReference:
    """How an event names its release: by the release's id, by its hash, or both; an id that is known goes first."""

    id: UUID | None = None
    hash_id: str | None = None


def reference(properties: Mapping[str, Json]) -> ReleaseReference:
    """Return what an event says of its release: ``$release_id``, and the application's name and version.

    Web and server builds carry the id. Mobile SDKs carry nothing, but the command line tool hashed the same name and
    version into the release when it uploaded the symbols. Both are returned: the id may be of a release that was
    deleted, and whether it is only the database knows.
    """
    id_ = _uuid(properties.get("$release_id"))
    project = properties.get("$app_namespace")
    version = packed_version(properties.get("$app_version"), properties.get("$app_build"))
    if isinstance(project, str) and version is not None:
        return ReleaseReference(id_, hash_id(project, version))
    return ReleaseReference(id_)


def _uuid(given: Json) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


def packed_version(version: Json, build: Json) -> str | None:
    """Return ``version+build``, or the one that is there; None if neither is. Numbers become text as written."""
    parts = [part for part in (_scalar(version), _scalar(build)) if part is not None]
    return "+".join(parts) if parts else None


def _scalar(value: Json) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def hash_id(project: str, version: str) -> str:
    """Return a release's hash: SHA-512 hex over project and version, without a separator."""
    return sha512(f"{project}{version}".encode()).hexdigest()


def output(project: str, version: str, created_at: datetime, metadata: Json) -> JsonObject:
    """Return ``$exception_release`` for a release's row; long texts are cut.

    Metadata may be any JSON value; large ones are left out.
    """
    shown: JsonObject = {
        "version": version[:MAX_SHOWN_TEXT],
        "project": project[:MAX_SHOWN_TEXT],
        "timestamp": clock.iso(created_at),
    }
    if metadata is not None and len(orjson.dumps(metadata)) <= MAX_SHOWN_METADATA:
        shown["metadata"] = without_credentials(metadata)
    return shown
