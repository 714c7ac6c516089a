"""Stage: which release an exception came from (pipeline 2.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from environments.tenancy import sql
from errortracking.pipeline import release
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.exceptions import Json, JsonObject


class _Release(NamedTuple):
    id: UUID
    hash_id: str
    project: str
    version: str
    created_at: datetime
    metadata: str | None


_NAMED = """
    SELECT id, hash_id, project, version, created_at, metadata::text FROM errortracking_release
    WHERE environment_id = %s AND (id = ANY(%b) OR hash_id = ANY(%b))
"""
_OF_SYMBOL_SETS = """
    SELECT s.id, r.id, r.hash_id, r.project, r.version, r.created_at, r.metadata::text
    FROM errortracking_symbolset s
    JOIN errortracking_release r ON r.environment_id = s.environment_id AND r.id = s.release_id
    WHERE s.environment_id = %s AND s.id = ANY(%b)
"""


def attach_release(batch: Batch) -> None:
    """Set ``$exception_release`` of the live exceptions whose release is known.

    What the event says of itself goes first: an id, else its application and version; else it is the newest release
    that a symbol set of its frames belongs to. Each gives way to the next where it names no release that exists.
    """
    references = [(event, release.reference(event.parsed.properties)) for event in batch.live]
    named = _named(
        batch,
        {reference.id for _, reference in references if reference.id},
        {reference.hash_id for _, reference in references if reference.hash_id},
    )
    by_symbol_set = _of_symbol_sets(batch)
    for event, reference in references:
        found = named.get(reference.id) or named.get(reference.hash_id) or _newest(batch, event, by_symbol_set)
        if found:
            event.release_id = found.id
            event.parsed.properties["$exception_release"] = _shown(found)


def _named(batch: Batch, ids: set[UUID], hash_ids: set[str]) -> dict[UUID | str | None, _Release]:
    if not ids and not hash_ids:
        return {}
    with sql.cursor() as cursor:
        rows = cursor.execute(_NAMED, [batch.environment_id, list(ids), list(hash_ids)]).fetchall()
    releases = [_Release(*row) for row in rows]
    found: dict[UUID | str | None, _Release] = {one.id: one for one in releases}
    return found | {one.hash_id: one for one in releases}


def _of_symbol_sets(batch: Batch) -> dict[UUID, _Release]:
    ids = {reference.symbol_set_id for reference in batch.frames.values()} - {None}
    if not ids:
        return {}
    with sql.cursor() as cursor:
        rows = cursor.execute(_OF_SYMBOL_SETS, [batch.environment_id, list(ids)]).fetchall()
    return {row[0]: _Release(*row[1:]) for row in rows}


def _newest(batch: Batch, event: Accepted, by_symbol_set: dict[UUID, _Release]) -> _Release | None:
    if not by_symbol_set:
        return None
    found = [by_symbol_set[id_] for id_ in _symbol_sets(batch, event) if id_ in by_symbol_set]
    return max(found, key=lambda one: (one.created_at, one.id), default=None)


def _symbol_sets(batch: Batch, event: Accepted) -> Iterable[UUID]:
    for exception in event.parsed.exceptions:
        for frame in exception.frames:
            id_ = batch.frames[frame.raw_id, frame.part].symbol_set_id
            if id_ is not None:
                yield id_


def _shown(found: _Release) -> JsonObject:
    metadata: Json = orjson.loads(found.metadata) if found.metadata else None
    return release.output(found.project, found.version, found.created_at, metadata)
