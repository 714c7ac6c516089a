"""Stage: raw frames become rows of stack frames, each pointing at an immutable content (pipeline 2.3 to 2.5).

A frame is identified by (raw id, part). While its row is fresh the stored content is what counts, also for
the fingerprint: what an event is grouped by must not depend on which of two events came first within half an
hour. Frames whose row is stale or missing get the content that was computed here, and every frame of the
batch adopts that of the first one with its identity.

A frame that failed for lack of a symbol set keeps its content until that set comes, however old its row is: it is
resolved by `resolve_again` alone, which leads the fingerprints of its events along.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from errortracking.pipeline import frame_rows, frames
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.exceptions import Frame, Json, RawFrame
from errortracking.pipeline.frame_rows import Computed, FrameRow, Key
from errortracking.pipeline.images import DebugImages

FRESH_RESOLVED = timedelta(seconds=1800)  # pipeline 2.5
FRESH_UNRESOLVED = timedelta(seconds=300)  # shorter: its source map may have been uploaded meanwhile
# Of the above, fixed per frame: the frames of a busy program must not all become stale at once.
JITTER = 0.1


def resolve_frames(batch: Batch) -> None:
    """Fill the frames of all exceptions, and ``batch.frames`` with their rows, made or renewed where not fresh."""
    firsts = _resolve(batch)
    if not firsts:
        return
    computed = {key: frame_rows.compute(frame) for key, frame in firsts.items()}
    stored = frame_rows.stored(batch.environment_id, {raw_id for raw_id, _ in computed})
    kept = _kept(stored, computed, batch.now)
    _adopt_stored(batch.environment_id, kept, computed)
    batch.frames |= {key: row.reference for key, row in kept.items()}
    stale = {key: value for key, value in computed.items() if key not in kept or not _is_fresh(kept[key], batch.now)}
    if stale:
        batch.frames |= frame_rows.write(batch.environment_id, batch.now, stale)
        surplus = [key for key in stored if key not in computed and (key[0], 0) in stale]
        if surplus:
            frame_rows.delete(batch.environment_id, surplus)
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
    seen = dict(batch.symbolicated)  # raw id → its parts
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
    return [_again(known, variables) for known in seen[raw_id]]


def _again(known: Frame, variables: Json) -> Frame:
    return Frame(
        known.raw_id,
        known.part,
        known.contents,
        known.context,
        known.resolved,
        known.symbol_refs,
        variables,
        known.missing_ref,
        known.platform,
    )


def _kept(stored: dict[Key, FrameRow], computed: dict[Key, Computed], now: datetime) -> dict[Key, FrameRow]:
    """Return the rows whose content is reused: those of frames all of whose parts are there, and fresh or waiting."""
    changed = {row.raw_id for key, row in stored.items() if not (_is_fresh(row, now) or _waits(row, computed.get(key)))}
    changed |= {raw_id for raw_id, part in computed if (raw_id, part) not in stored}
    changed |= {raw_id for raw_id, part in stored if (raw_id, part) not in computed}
    return {key: row for key, row in stored.items() if row.raw_id not in changed}


def _is_fresh(row: FrameRow, now: datetime) -> bool:
    return is_fresh(row.raw_id, row.resolved, now - row.created_at)


def _waits(row: FrameRow, computed: Computed | None) -> bool:
    """Tell whether the frame lacked a symbol set and does so still."""
    return row.missing_ref is not None and computed is not None and computed.frame.missing_ref == row.missing_ref


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


def _adopt_stored(environment_id: int, kept: dict[Key, FrameRow], computed: dict[Key, Computed]) -> None:
    """Give frames whose stored content is another than was computed (another ``in_app``, say) the stored one."""
    differing = {key: row for key, row in kept.items() if row.hash != computed[key].hash}
    for key, row in kept.items():
        computed[key].content_id = row.content_id
    if not differing:
        return
    contents = frame_rows.contents(environment_id, {row.content_id for row in differing.values()})
    for key, row in differing.items():
        frame = computed[key].frame
        frame.contents, frame.resolved = contents[row.content_id], row.resolved
