"""What a project's symbol sets answer to the wishes of frames. Reads files and asks the parsing process: slow.

Never to be called in a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from errortracking.symbols import cache, container, lookup_rows, parser
from errortracking.symbols.lookup_rows import SetRow
from errortracking.symbols.lookups import Answer, Kind, Position, Wish
from errortracking.symbols.storage import Missing
from errortracking.symbols.storage import Unavailable as StorageUnavailable

log = structlog.get_logger(__name__)

# For one batch of frames: a set is parsed in seconds, a worker ends itself after two minutes, and the last set begun
# within these may take 30 s more. What is not reached is asked later, in the background.
BUDGET_SECONDS: Final = 45.0


class Told(NamedTuple):
    """What a set says of one frame."""

    answer: Answer
    ref: str
    has_data: bool


@dataclass(slots=True)
class Answers:
    """What is known of the frames, by the names that they were asked under; where no set is, there is no answer.

    ``later`` are the sets that have data but could not be asked now.
    """

    told: dict[str, Told] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)


def ask(environment_id: int, wishes: Mapping[str, Wish], sets: Mapping[str, SetRow], now: datetime) -> Answers:
    """Ask for each wish the set that may know; ``sets`` are all that their ``refs`` name (`lookup_rows.read`)."""
    answers = Answers()
    groups: dict[tuple[str, Kind], list[str]] = {}
    for name, wish in wishes.items():
        chosen = lookup_rows.choose(wish.refs, sets)
        if chosen is None:
            continue
        if chosen.failure is not None:
            answers.told[name] = Told(chosen.failure, chosen.ref, has_data=chosen.storage_ptr is not None)
        else:
            groups.setdefault((chosen.ref, wish.position.kind), []).append(name)
    asked = [sets[ref] for ref, _ in groups]
    deadline = time.monotonic() + BUDGET_SECONDS
    for (ref, _), names in groups.items():
        positions = [wishes[name].position for name in names]
        found = _look_up(environment_id, sets[ref], positions, now) if time.monotonic() < deadline else None
        if found is None:
            answers.later.add(ref)
        else:
            answers.told |= {name: Told(one, ref, has_data=True) for name, one in zip(names, found, strict=True)}
    lookup_rows.used(environment_id, asked, now)
    return answers


def _look_up(environment_id: int, row: SetRow, positions: Sequence[Position], now: datetime) -> Sequence[Answer] | None:
    """Return what one set answers, None if it cannot be asked now."""
    key = row.key or ""
    try:
        with cache.local(environment_id, key) as path:
            try:
                return parser.lookup(path, row.ref, positions)
            except parser.Unreadable as error:
                # Anybody may send a frame that asks data of one kind for another; that says nothing of the data.
                if container.kind_of(path) in (None, positions[0].kind):
                    log.warning("bad symbol set", environment_id=environment_id, ref=row.ref, reason=error.failure.text)
                    lookup_rows.failed(environment_id, row, error.failure, now)
                return [error.failure] * len(positions)
    except (Missing, StorageUnavailable, parser.Unavailable, OSError) as error:  # the last: this machine's disk is full
        log.warning("symbol set not to be had", environment_id=environment_id, ref=row.ref, key=key, error=repr(error))
        return None
