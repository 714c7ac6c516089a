"""The rows of stack frames and of their contents: read, made and renewed, one statement for all of a batch.

A frame is identified by (raw id, part) and points at an immutable content, found by its hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import orjson

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.pipeline.batch import FrameReference
from errortracking.pipeline.exceptions import Contents, Frame

Key = tuple[str, int]


class FrameRow(NamedTuple):
    """A stack frame's row with the hash of its content."""

    raw_id: str
    part: int
    frame_id: UUID
    content_id: UUID
    symbol_set_id: UUID | None
    missing_ref: str | None
    created_at: datetime
    hash: bytes
    resolved: bool

    @property
    def reference(self) -> FrameReference:
        """What a batch knows of the row."""
        return FrameReference(self.frame_id, self.content_id, self.symbol_set_id, self.missing_ref is not None)


@dataclass(slots=True)
class Computed:
    """What was made of a frame. ``content_id`` is known once the content's row is."""

    frame: Frame
    hash: bytes
    text: tuple[str, str | None]  # contents and context as JSON
    content_id: UUID | None = None


def compute(frame: Frame) -> Computed:
    """Return the frame with the hash of its content."""
    contents = orjson.dumps(frame.contents, option=orjson.OPT_SORT_KEYS)
    context = b"null" if frame.context is None else orjson.dumps(frame.context, option=orjson.OPT_SORT_KEYS)
    digest = sha256(b"[%s,%s,%s]" % (b"true" if frame.resolved else b"false", contents, context)).digest()
    return Computed(frame, digest, (contents.decode(), None if frame.context is None else context.decode()))


_STORED = """
    SELECT f.raw_id, f.part, f.id, f.content_id, f.symbol_set_id, f.missing_ref, f.created_at, c.hash, c.resolved
    FROM errortracking_stackframe f
    JOIN errortracking_framecontent c ON c.environment_id = f.environment_id AND c.id = f.content_id
    WHERE f.environment_id = %s AND f.raw_id = ANY(%b)
"""


def stored(environment_id: int, raw_ids: Iterable[str]) -> dict[Key, FrameRow]:
    """Return the rows of the frames with these raw ids."""
    with sql.cursor() as cursor:
        cursor.execute(_STORED, [environment_id, list(raw_ids)], binary=True)
        rows = map(FrameRow._make, cursor.fetchall())
        return {(row.raw_id, row.part): row for row in rows}


_CONTENTS = """
    SELECT id, contents::text FROM errortracking_framecontent WHERE environment_id = %s AND id = ANY(%b)
"""


def contents(environment_id: int, ids: Iterable[UUID]) -> dict[UUID, Contents]:
    """Return contents by their ids."""
    with sql.cursor() as cursor:
        rows = cursor.execute(_CONTENTS, [environment_id, list(ids)]).fetchall()
    return {id_: orjson.loads(text) for id_, text in rows}


def write(environment_id: int, now: datetime, computed: Mapping[Key, Computed]) -> dict[Key, FrameReference]:
    """Make or renew the rows of these frames, and return them. A ``content_id`` that is known already is kept."""
    _find_or_make_contents(environment_id, now, [value for value in computed.values() if value.content_id is None])
    return _upsert_frames(environment_id, now, computed, _symbol_sets(environment_id, computed.values()))


_FIND_CONTENTS = """
    SELECT hash, id FROM errortracking_framecontent WHERE environment_id = %(environment)s AND hash = ANY(%(hashes)b)
"""
_MAKE_CONTENTS = """
    INSERT INTO errortracking_framecontent (environment_id, id, hash, contents, context, resolved, created_at)
    SELECT %(environment)s, new.id, new.hash, new.contents::jsonb, new.context::jsonb, new.resolved, %(now)s
    FROM unnest(%(ids)b::uuid[], %(hashes)b::bytea[], %(contents)b::text[], %(contexts)b::text[], %(resolved)b::bool[])
        AS new(id, hash, contents, context, resolved)
    ON CONFLICT (environment_id, hash) DO NOTHING
    RETURNING hash, id
"""


def _find_or_make_contents(environment_id: int, now: datetime, computed: Collection[Computed]) -> None:
    if not computed:
        return
    by_hash = {value.hash: value for value in computed}
    find = {"environment": environment_id, "hashes": list(by_hash)}
    with sql.cursor() as cursor:
        ids: dict[bytes, UUID] = dict(cursor.execute(_FIND_CONTENTS, find, binary=True).fetchall())
        missing = sorted(hash_ for hash_ in by_hash if hash_ not in ids)
        if missing:
            rows = [by_hash[hash_] for hash_ in missing]
            make = {
                "environment": environment_id,
                "now": now,
                "ids": [uuid7(now) for _ in rows],
                "hashes": missing,
                "contents": [row.text[0] for row in rows],
                "contexts": [row.text[1] for row in rows],
                "resolved": [row.frame.resolved for row in rows],
            }
            ids |= dict(cursor.execute(_MAKE_CONTENTS, make, binary=True).fetchall())
        if len(ids) < len(by_hash):  # somebody else was faster with the same content, and has committed
            ids |= dict(cursor.execute(_FIND_CONTENTS, find, binary=True).fetchall())
    for value in computed:
        value.content_id = ids[value.hash]


# Kept from going until the transaction ends: a frame cannot point at a set that somebody deletes meanwhile. In the
# order in which everybody locks sets (`symbols.uploads`).
_SYMBOL_SETS = """
    SELECT ref, id FROM errortracking_symbolset WHERE environment_id = %s AND ref = ANY(%b) ORDER BY ref FOR KEY SHARE
"""


def _symbol_sets(environment_id: int, computed: Iterable[Computed]) -> dict[str, UUID]:
    """Return the ids of the symbol sets that these frames refer to, by reference."""
    references = {reference for value in computed for reference in value.frame.symbol_refs}
    if not references:
        return {}
    with sql.cursor() as cursor:
        return dict(cursor.execute(_SYMBOL_SETS, [environment_id, list(references)]).fetchall())


_UPSERT_FRAMES = """
    INSERT INTO errortracking_stackframe AS f
        (environment_id, id, raw_id, part, content_id, symbol_set_id, missing_ref, platform, created_at)
    SELECT %(environment)s, new.*, %(now)s
    FROM unnest(%(ids)b::uuid[], %(raw_ids)b::text[], %(parts)b::int[], %(contents)b::uuid[], %(sets)b::uuid[],
                %(missing)b::text[], %(platforms)b::text[])
        AS new(id, raw_id, part, content_id, symbol_set_id, missing_ref, platform)
    ON CONFLICT (environment_id, raw_id, part) DO UPDATE
    SET content_id = excluded.content_id, symbol_set_id = excluded.symbol_set_id, missing_ref = excluded.missing_ref,
        platform = excluded.platform, created_at = excluded.created_at
    RETURNING f.raw_id, f.part, f.id, f.content_id, f.symbol_set_id, f.missing_ref IS NOT NULL
"""


def _upsert_frames(
    environment_id: int, now: datetime, computed: Mapping[Key, Computed], symbol_sets: Mapping[str, UUID]
) -> dict[Key, FrameReference]:
    keys = sorted(computed)
    frames = [computed[key].frame for key in keys]
    parameters = {
        "environment": environment_id,
        "now": now,
        "ids": [uuid7(now) for _ in keys],
        "raw_ids": [raw_id for raw_id, _ in keys],
        "parts": [part for _, part in keys],
        "contents": [computed[key].content_id for key in keys],
        "sets": [next((symbol_sets[ref] for ref in one.symbol_refs if ref in symbol_sets), None) for one in frames],
        "missing": [one.missing_ref for one in frames],
        "platforms": [one.platform for one in frames],
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_UPSERT_FRAMES, parameters, binary=True).fetchall()
    return {(row[0], row[1]): FrameReference(*row[2:]) for row in rows}


def delete(environment_id: int, keys: list[Key]) -> None:
    """Delete the rows of frames or of parts of them."""
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_stackframe f USING unnest(%b::text[], %b::int[]) AS old(raw_id, part)"
            " WHERE f.environment_id = %s AND f.raw_id = old.raw_id AND f.part = old.part",
            [[raw_id for raw_id, _ in keys], [part for _, part in keys], environment_id],
        )
