"""Frames that failed for lack of a symbol set are resolved in their place once it is there; by a job, see `wishes`.

For each such frame, in this order: the fingerprints that its events would have with the new content join the issues
that they are in (`lead`), then the frame gets that content. So no event ever meets the new content before its issue is
known by it. The last of the first and the second happen while the project is held, so that no batch is in between.

Whatever ends this at whatever point, doing it again from the start does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast
from uuid import UUID

import orjson
import structlog
from django.db import transaction

from environments import clock
from environments.tenancy import sql
from errortracking.pipeline import frame_rows, frames, lead, lease
from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.symbolicate import answered
from errortracking.symbols import lookup_rows, resolver, wishes
from errortracking.symbols.lookups import Wish

log = structlog.get_logger(__name__)

PAGE: Final = 500  # frames; with their new contents some megabytes


class _Waiting(NamedTuple):
    """A frame that waits for a symbol set."""

    id: UUID
    raw_id: str
    platform: str | None
    raw: str | None  # JSON


class _Known(NamedTuple):
    """What a symbol set made of a frame that waited."""

    id: UUID
    frames: list[Frame]

    @property
    def resolved(self) -> bool:
        return all(frame.missing_ref is None for frame in self.frames)


def resolve_again(environment_id: int, refs: Sequence[str], waited: int = 0) -> None:
    """Resolve the project's frames that lack one of the symbol sets ``refs``, as far as these answer now.

    Those that do not are asked again later; ``waited`` are the seconds for which that has been put off this time.
    """
    with lease.hold_patiently(environment_id):
        pass  # batches that began before the sets were saved may still have been making frames that lack them
    done = 0
    for page in _pages(environment_id, refs):
        known = _ask(environment_id, page, waited)
        resolved = {raw_id: one.frames for raw_id, one in known.items() if one.resolved}
        ids = [known[raw_id].id for raw_id in resolved]
        lead.lead(environment_id, ids, resolved)
        with lease.hold_patiently(environment_id):
            lead.lead(environment_id, ids, resolved)  # what came meanwhile
            _write(environment_id, known)
        done += len(resolved)
    if done:
        log.info("frames resolved again", environment_id=environment_id, frames=done)


# Also those that waited for another reference, where the row of one of these sets is what they point at: of a script
# with a chunk id whose map was fetched by its URL.
_WAITING: Final = """
    SELECT f.id, f.raw_id, f.platform, (c.contents->'junk_drawer'->'raw_frame')::text
    FROM errortracking_stackframe f
    JOIN errortracking_framecontent c ON c.environment_id = f.environment_id AND c.id = f.content_id
    WHERE f.environment_id = %(environment)s AND f.part = 0 AND f.id > %(after)s AND f.missing_ref IS NOT NULL
        AND (f.missing_ref = ANY(%(refs)b::text[]) OR f.symbol_set_id = ANY(%(sets)b::uuid[]))
    ORDER BY f.id LIMIT %(most)s
"""


def _pages(environment_id: int, refs: Sequence[str]) -> Iterator[list[_Waiting]]:
    sets = [row.id for row in lookup_rows.read(environment_id, refs).values()]
    parameters = {"environment": environment_id, "refs": list(refs), "sets": sets, "most": PAGE, "after": UUID(int=0)}
    while True:
        with sql.cursor() as cursor:
            page = [_Waiting._make(row) for row in cursor.execute(_WAITING, parameters).fetchall()]
        if page:
            yield page
        if len(page) < PAGE:
            return
        parameters["after"] = page[-1].id


def _ask(environment_id: int, page: Iterable[_Waiting], waited: int) -> dict[str, _Known]:
    """Return by raw id what symbol sets say of the frames now, of those of which they say anything."""
    asked: dict[str, tuple[_Waiting, RawFrame, Wish]] = {}
    for waiting in page:
        raw = _raw(waiting)
        platform = frames.PLATFORMS.get(raw["platform"]) if raw else None
        wish = platform.wants(raw) if raw and platform and platform.wants else None
        if raw and wish:
            asked[waiting.raw_id] = waiting, raw, wish
    wanted = {raw_id: wish for raw_id, (_, _, wish) in asked.items()}
    sets = lookup_rows.read(environment_id, {ref for wish in wanted.values() for ref in wish.refs})
    answers = resolver.ask(environment_id, wanted, sets, clock.now())
    wishes.later(environment_id, answers.later, waited=waited)
    return {
        raw_id: _Known(asked[raw_id][0].id, answered(asked[raw_id][1], raw_id, told))
        for raw_id, told in answers.told.items()
    }


def _raw(waiting: _Waiting) -> RawFrame | None:
    """Return the frame as it was sent, but for what was cut: its failure keeps it."""
    if waiting.raw is None or waiting.platform is None:
        return None
    return cast(RawFrame, {**orjson.loads(waiting.raw), "platform": waiting.platform})


def _write(environment_id: int, known: Mapping[str, _Known]) -> None:
    """Give the frames that are still there their new contents."""
    if not known:
        return
    now = clock.now()
    with transaction.atomic():
        stored = frame_rows.stored(environment_id, known)
        computed = {
            (raw_id, frame.part): frame_rows.compute(frame)
            for raw_id, one in known.items()
            if (raw_id, 0) in stored
            for frame in one.frames
        }
        frame_rows.write(environment_id, now, computed)
        frame_rows.delete(environment_id, [key for key in stored if key not in computed])
