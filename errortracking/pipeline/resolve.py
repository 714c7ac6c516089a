"""Stage: raw frames become rows of stack frames, each pointing at an immutable content (pipeline 2.3 to 2.5).

A frame is identified by (raw id, part). While its row is fresh the stored content is what counts, also for
the fingerprint: what an event is grouped by must not depend on which of two events came first within half an
hour. Frames whose row is stale or missing get the content that was computed here, and every frame of the
batch adopts that of the first one with its identity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import orjson

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.pipeline import frames
from errortracking.pipeline.batch import Batch, FrameReference
from errortracking.pipeline.exceptions import Contents, Frame, RawFrame
from errortracking.pipeline.images import DebugImages

FRESH_RESOLVED = timedelta(seconds=1800)  # pipeline 2.5
FRESH_UNRESOLVED = timedelta(seconds=300)  # shorter: its source map may have been uploaded meanwhile
# Of the above, fixed per frame: the frames of a busy program must not all become stale at once.
JITTER = 0.1

Key = tuple[str, int]


class _Row(NamedTuple):
    """A stack frame's row with the hash of its content."""

    raw_id: str
    part: int
    frame_id: UUID
    content_id: UUID
    symbol_set_id: UUID | None
    created_at: datetime
    hash: bytes
    resolved: bool


@dataclass(slots=True)
class _Computed:
    """What this batch makes of a frame. ``content_id`` is known once the content's row is."""

    frame: Frame
    hash: bytes
    text: tuple[str, str | None]  # contents and context as JSON
    content_id: UUID | None = None


def resolve_frames(batch: Batch) -> None:
    """Fill the frames of all exceptions, and ``batch.frames`` with their rows, made or renewed where not fresh."""
    firsts = _resolve(batch)
    if not firsts:
        return
    computed = {key: _compute(frame) for key, frame in firsts.items()}
    stored = _stored(batch.environment_id, {raw_id for raw_id, _ in computed})
    fresh = _fresh(stored, computed, batch.now)
    _adopt_stored(batch.environment_id, fresh, computed)
    stale = {key: value for key, value in computed.items() if key not in fresh}
    if stale:
        _write(batch, stale, stored)
    batch.frames |= {key: FrameReference(row.frame_id, row.content_id, row.symbol_set_id) for key, row in fresh.items()}
    for event in batch.live:
        for exception in event.parsed.exceptions:
            for frame in exception.frames:
                first = firsts[frame.raw_id, frame.part]
                frame.contents, frame.context, frame.resolved = first.contents, first.context, first.resolved


def _resolve(batch: Batch) -> dict[Key, Frame]:
    """Fill the frames of all exceptions from what was sent; return the first frame of each identity.

    Each identity is resolved once. In a batch of one program most frames are alike, and telling who a frame is costs
    a third of finding out what to show of it.
    """
    firsts: dict[Key, Frame] = {}
    seen: dict[str, list[Frame]] = {}  # raw id → its parts
    for event in batch.live:
        images = event.parsed.debug_images
        for exception in event.parsed.exceptions:
            if exception.stack == "raw":
                exception.frames = [frame for raw in exception.raw_frames for frame in _frames(raw, images, seen)]
            for frame in exception.frames:
                firsts.setdefault((frame.raw_id, frame.part), frame)
    return firsts


def _frames(raw: RawFrame, images: DebugImages, seen: dict[str, list[Frame]]) -> Iterable[Frame]:
    raw_id = frames.identify(raw, images)
    if raw_id not in seen:
        seen[raw_id] = frames.resolve_frame(raw, images, raw_id)
        return seen[raw_id]
    variables = raw.get("code_variables")
    return [
        Frame(raw_id, known.part, known.contents, known.context, known.resolved, known.symbol_refs, variables)
        for known in seen[raw_id]
    ]


def _compute(frame: Frame) -> _Computed:
    contents = orjson.dumps(frame.contents, option=orjson.OPT_SORT_KEYS)
    context = b"null" if frame.context is None else orjson.dumps(frame.context, option=orjson.OPT_SORT_KEYS)
    digest = sha256(b"[%s,%s,%s]" % (b"true" if frame.resolved else b"false", contents, context)).digest()
    return _Computed(frame, digest, (contents.decode(), None if frame.context is None else context.decode()))


_STORED = """
    SELECT f.raw_id, f.part, f.id, f.content_id, f.symbol_set_id, f.created_at, c.hash, c.resolved
    FROM errortracking_stackframe f
    JOIN errortracking_framecontent c ON c.environment_id = f.environment_id AND c.id = f.content_id
    WHERE f.environment_id = %s AND f.raw_id = ANY(%b)
"""


def _stored(environment_id: int, raw_ids: Iterable[str]) -> dict[Key, _Row]:
    with sql.cursor() as cursor:
        cursor.execute(_STORED, [environment_id, list(raw_ids)], binary=True)
        rows = map(_Row._make, cursor.fetchall())
        return {(row.raw_id, row.part): row for row in rows}


def _fresh(stored: dict[Key, _Row], computed: dict[Key, _Computed], now: datetime) -> dict[Key, _Row]:
    """Return the rows that are reused: those of frames all of whose parts are there and fresh."""
    stale = {row.raw_id for row in stored.values() if not is_fresh(row.raw_id, row.resolved, now - row.created_at)}
    stale |= {raw_id for raw_id, part in computed if (raw_id, part) not in stored}
    stale |= {raw_id for raw_id, part in stored if (raw_id, part) not in computed}
    return {key: row for key, row in stored.items() if row.raw_id not in stale}


def is_fresh(raw_id: str, resolved: bool, age: timedelta) -> bool:
    """Return whether a frame's row of this age is reused; the jitter depends on ``raw_id`` alone."""
    limit = FRESH_RESOLVED if resolved else FRESH_UNRESOLVED
    if age < limit:
        return True
    return age < limit * (1 + JITTER) and age < limit * (1 + JITTER * jitter(raw_id))


def jitter(raw_id: str) -> float:
    """Return a number from 0 to 1 (excluded) that is always the same for ``raw_id``: its FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in raw_id.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value / 2**64


def _adopt_stored(environment_id: int, fresh: dict[Key, _Row], computed: dict[Key, _Computed]) -> None:
    """Give frames whose fresh content is another than was computed (another ``in_app``, say) the stored one."""
    differing = {key: row for key, row in fresh.items() if row.hash != computed[key].hash}
    if not differing:
        return
    with sql.cursor() as cursor:
        cursor.execute(
            "SELECT id, contents::text FROM errortracking_framecontent WHERE environment_id = %s AND id = ANY(%b)",
            [environment_id, list({row.content_id for row in differing.values()})],
        )
        contents: dict[UUID, Contents] = {id_: orjson.loads(text) for id_, text in cursor.fetchall()}
    for key, row in differing.items():
        frame = computed[key].frame
        frame.contents, frame.resolved = contents[row.content_id], row.resolved


def _write(batch: Batch, stale: dict[Key, _Computed], stored: dict[Key, _Row]) -> None:
    _find_or_make_contents(batch, stale)
    symbol_sets = _symbol_sets(batch.environment_id, stale)
    _upsert_frames(batch, stale, symbol_sets)
    surplus = [key for key in stored if key not in stale and (key[0], 0) in stale]
    if surplus:
        _delete_surplus(batch.environment_id, surplus)


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


def _find_or_make_contents(batch: Batch, stale: dict[Key, _Computed]) -> None:
    by_hash = {value.hash: value for value in stale.values()}
    find = {"environment": batch.environment_id, "hashes": list(by_hash)}
    with sql.cursor() as cursor:
        ids: dict[bytes, UUID] = dict(cursor.execute(_FIND_CONTENTS, find, binary=True).fetchall())
        missing = sorted(hash_ for hash_ in by_hash if hash_ not in ids)
        if missing:
            rows = [by_hash[hash_] for hash_ in missing]
            make = {
                "environment": batch.environment_id,
                "now": batch.now,
                "ids": [uuid7(batch.now) for _ in rows],
                "hashes": missing,
                "contents": [row.text[0] for row in rows],
                "contexts": [row.text[1] for row in rows],
                "resolved": [row.frame.resolved for row in rows],
            }
            ids |= dict(cursor.execute(_MAKE_CONTENTS, make, binary=True).fetchall())
        if len(ids) < len(by_hash):  # somebody else was faster with the same content, and has committed
            ids |= dict(cursor.execute(_FIND_CONTENTS, find, binary=True).fetchall())
    for value in stale.values():
        value.content_id = ids[value.hash]


def _symbol_sets(environment_id: int, stale: dict[Key, _Computed]) -> dict[str, UUID]:
    """Return the ids of the symbol sets that these frames refer to, by reference."""
    references = {reference for value in stale.values() for reference in value.frame.symbol_refs}
    if not references:
        return {}
    with sql.cursor() as cursor:
        cursor.execute(
            "SELECT ref, id FROM errortracking_symbolset WHERE environment_id = %s AND ref = ANY(%b)",
            [environment_id, list(references)],
        )
        return dict(cursor.fetchall())


_UPSERT_FRAMES = """
    INSERT INTO errortracking_stackframe AS f (environment_id, id, raw_id, part, content_id, symbol_set_id, created_at)
    SELECT %(environment)s, new.id, new.raw_id, new.part, new.content_id, new.symbol_set_id, %(now)s
    FROM unnest(%(ids)b::uuid[], %(raw_ids)b::text[], %(parts)b::int[], %(contents)b::uuid[], %(sets)b::uuid[])
        AS new(id, raw_id, part, content_id, symbol_set_id)
    ON CONFLICT (environment_id, raw_id, part) DO UPDATE
    SET content_id = excluded.content_id, symbol_set_id = excluded.symbol_set_id, created_at = excluded.created_at
    RETURNING f.raw_id, f.part, f.id, f.content_id, f.symbol_set_id
"""


def _upsert_frames(batch: Batch, stale: dict[Key, _Computed], symbol_sets: dict[str, UUID]) -> None:
    keys = sorted(stale)
    references = [stale[key].frame.symbol_refs for key in keys]
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "ids": [uuid7(batch.now) for _ in keys],
        "raw_ids": [raw_id for raw_id, _ in keys],
        "parts": [part for _, part in keys],
        "contents": [stale[key].content_id for key in keys],
        "sets": [next((symbol_sets[ref] for ref in refs if ref in symbol_sets), None) for refs in references],
    }
    with sql.cursor() as cursor:
        cursor.execute(_UPSERT_FRAMES, parameters, binary=True)
        batch.frames |= {(row[0], row[1]): FrameReference(*row[2:]) for row in cursor.fetchall()}


def _delete_surplus(environment_id: int, keys: list[Key]) -> None:
    """Delete the rows of parts that a frame no longer resolves to."""
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_stackframe f USING unnest(%b::text[], %b::int[]) AS old(raw_id, part)"
            " WHERE f.environment_id = %s AND f.raw_id = old.raw_id AND f.part = old.part",
            [[raw_id for raw_id, _ in keys], [part for _, part in keys], environment_id],
        )
