"""Before a batch's transaction: symbol sets are asked about the frames that need them, and what is missing is fetched.

Here is what takes time: files are read, and maps parsed by another process. The transaction finds the answers in
``batch.symbolicated``. Events whose frames need no symbol set are recognised by their tags and left alone, and frames
whose rows are fresh are not asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from errortracking.models import Outcome
from errortracking.models.payload import EventEntry
from errortracking.pipeline import frame_rows, frames
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frame_rows import FrameRow
from errortracking.pipeline.frames.base import shortened
from errortracking.pipeline.parse import parse
from errortracking.pipeline.resolve import is_fresh
from errortracking.symbols import fetching, lookup_rows, resolver, wishes
from errortracking.symbols.lookup_rows import SetRow
from errortracking.symbols.lookups import Wish
from errortracking.symbols.resolver import Told

# Platform tag → the fields without all of which its frames ask for nothing.
_ASKS: Final = {tag: platform.asks for tag, platform in frames.PLATFORMS.items() if platform.asks}


@dataclass(slots=True)
class Asked:
    """A frame that asks for a symbol set, and in which requests it stands."""

    raw: RawFrame
    wish: Wish
    places: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Ahead:
    """What is known before the transaction, and what is still to be found out."""

    environment_id: int
    now: datetime
    asked: dict[str, Asked] = field(default_factory=dict)  # by raw id: frames whose sets are to be asked
    known: dict[str, list[Frame]] = field(default_factory=dict)  # by raw id: frames of more than one part, fresh
    sets: dict[str, SetRow] = field(default_factory=dict)  # by reference

    def wanted(self) -> dict[int, set[str]]:
        """Return the scripts that have to be fetched first, by the place of the request that needs them."""
        found: dict[int, set[str]] = {}
        if not fetching.is_on():
            return found
        for one in self.asked.values():
            url = one.wish.url
            if url and url not in self.sets and lookup_rows.choose(one.wish.refs, self.sets) is None:
                for place in one.places:
                    found.setdefault(place, set()).add(url)
        return found

    def symbolicated(self, places: Iterable[int]) -> dict[str, list[Frame]]:
        """Ask the symbol sets about the frames of the requests at ``places``; return by raw id what they answer."""
        if not self.asked:
            return self.known
        now_wanted = set(places)
        asked = {raw_id: one for raw_id, one in self.asked.items() if not now_wanted.isdisjoint(one.places)}
        wanted = {raw_id: one.wish for raw_id, one in asked.items()}
        answers = resolver.ask(self.environment_id, wanted, self.sets, self.now)
        wishes.later(self.environment_id, answers.later)
        return self.known | {raw_id: answered(asked[raw_id].raw, raw_id, told) for raw_id, told in answers.told.items()}


def look_ahead(environment_id: int, requests: Sequence[Sequence[Accepted]], now: datetime) -> Ahead:
    """Find the frames in the requests' events that ask for symbol sets and whose rows do not tell all by themselves.

    What could not be fetched long ago, and frames that waited for a set that is there by now, are seen to in the
    background.
    """
    ahead = Ahead(environment_id, now)
    asked = _asked(requests, now)
    if not asked:
        return ahead
    rows: dict[str, list[FrameRow]] = {}
    for row in frame_rows.stored(environment_id, asked).values():
        rows.setdefault(row.raw_id, []).append(row)
    waiting: list[tuple[Wish, FrameRow]] = []
    for raw_id, one in asked.items():
        parts = rows.get(raw_id, [])
        if parts and all(is_fresh(raw_id, row.resolved, now - row.created_at) for row in parts):
            if len(parts) > 1:
                ahead.known[raw_id] = _placeholders(one.raw, raw_id, parts)
        elif parts and parts[0].missing_ref in one.wish.refs:
            waiting.append((one.wish, parts[0]))
        else:
            ahead.asked[raw_id] = one
    stale = [one.wish for one in ahead.asked.values()] + [wish for wish, _ in waiting]
    ahead.sets = lookup_rows.read(environment_id, (ref for wish in stale for ref in wish.refs))
    _see_to(ahead, stale, waiting)
    return ahead


def _asked(requests: Sequence[Sequence[Accepted]], now: datetime) -> dict[str, Asked]:
    """Return the frames that ask for symbol sets, by their raw ids."""
    asked: dict[str, Asked] = {}
    for place, events in enumerate(requests):
        for event in events:
            if event.is_exception and asks(event.entry):
                for raw_id, raw, wish in _wishes(event, now):
                    asked.setdefault(raw_id, Asked(raw, wish)).places.add(place)
    return asked


def asks(entry: EventEntry) -> bool:
    """Tell whether an event may have frames that ask for symbol sets, whatever was sent: a look that costs little."""
    exceptions: Any = entry["properties"].get("$exception_list")
    for exception in exceptions if isinstance(exceptions, list) else ():
        stack = exception.get("stacktrace") if isinstance(exception, dict) else None
        frames_ = stack.get("frames") if isinstance(stack, dict) else None
        for frame in frames_ if isinstance(frames_, list) else ():
            if isinstance(frame, dict):
                tag = frame.get("platform")
                if isinstance(tag, str) and tag in _ASKS and any(name in frame for name in _ASKS[tag]):
                    return True
    return False


def _wishes(event: Accepted, now: datetime) -> Iterator[tuple[str, RawFrame, Wish]]:
    """Parse the event, for the stage that reads it as well, and yield its frames that ask for a symbol set."""
    event.read_ahead = parse(event.uuid, event.entry["properties"], now)
    for exception in event.read_ahead.exceptions:
        for raw in exception.raw_frames:
            wants = frames.PLATFORMS[raw["platform"]].wants
            wish = wants(raw) if wants else None
            if wish:
                yield frames.identify(raw), raw, wish


def _placeholders(raw: RawFrame, raw_id: str, parts: Sequence[FrameRow]) -> list[Frame]:
    """Return as many parts as the frame has rows; their contents are those of the rows."""
    (frame,) = frames.resolve_frame(raw, id_=raw_id)
    return [replace(frame, part=row.part) for row in parts]


def _see_to(ahead: Ahead, stale: Iterable[Wish], waiting: Iterable[tuple[Wish, FrameRow]]) -> None:
    """Ask for what nobody has to wait for."""
    come = set()
    for wish, row in waiting:
        chosen = lookup_rows.choose(wish.refs, ahead.sets)
        if chosen and chosen.key and chosen.id != row.symbol_set_id and row.missing_ref:
            come.add(row.missing_ref)
    wishes.later(ahead.environment_id, come)
    if not fetching.is_on():
        return
    if again := {wish.url for wish in stale if wish.url and _is_due(ahead.sets.get(wish.url), ahead.now)}:
        wishes.fetch_again(ahead.environment_id, again)
    if never := {wish.url for wish, _ in waiting if wish.url and wish.url not in ahead.sets}:
        wishes.fetch(ahead.environment_id, never)


def _is_due(row: SetRow | None, now: datetime) -> bool:
    return row is not None and row.is_to_be_fetched_again(now)


def answered(raw: RawFrame, raw_id: str, told: Told) -> list[Frame]:
    """Return the frames of a raw frame of which a symbol set has told something.

    What that set has failed to tell, the set that goes before it may: so ``missing_ref`` stays the best one's. Better
    data for the set itself finds the frame by its row, which is what the frame points at.
    """
    symbolicated = frames.PLATFORMS[raw["platform"]].symbolicated
    assert symbolicated is not None  # noqa: S101  # whoever asks takes answers
    parts = symbolicated(shortened(raw), raw_id, told.answer)
    for frame in parts:
        if told.has_data:
            frame.symbol_refs = (told.ref,)
    return parts


def ask_later(batch: Batch) -> None:
    """Have frames resolved afterwards that failed only because nobody asked before the batch; in its transaction."""
    failed = [
        frame
        for event in batch.events
        if event.outcome is Outcome.STORED
        for exception in event.parsed.exceptions
        for frame in exception.frames
        if frame.missing_ref
    ]
    sets = lookup_rows.read(batch.environment_id, (ref for frame in failed for ref in frame.symbol_refs))
    known = {ref for ref, row in sets.items() if row.key}
    wishes.soon(
        batch.environment_id,
        {frame.missing_ref for frame in failed if frame.missing_ref and known.intersection(frame.symbol_refs)},
    )
