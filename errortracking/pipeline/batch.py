"""What the pipeline's stages pass on: a batch of one project's events, and what each stage found out about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from environments import clock
from errortracking.models import Outcome
from errortracking.models.partitions import utc_day
from errortracking.models.payload import EventEntry, Payload
from errortracking.pipeline import timestamps
from errortracking.pipeline.exceptions import Frame, ParsedEvent
from errortracking.pipeline.fingerprint import Fingerprint
from errortracking.pipeline.loaded_rules import Assignee, ProjectRules
from errortracking.rules.subject import Subject

EXCEPTION = "$exception"  # the name of the events that are stored; all others are counted

OutcomeKey = tuple[date, Outcome, str]  # UTC day of receipt, outcome, reason


@dataclass(slots=True)
class Accepted:
    """One accepted event. Exactly one stage gives it its ``outcome``."""

    uuid: UUID
    entry: EventEntry
    request: Payload
    received_at: datetime
    outcome: Outcome | None = None
    reason: str = ""
    read_ahead: ParsedEvent | None = None  # where it was parsed to see what its frames ask for
    # The rest is of exceptions only, each filled by the stage that is named:
    timestamp: datetime = field(init=False)  # parse
    parsed: ParsedEvent = field(init=False)  # parse
    candidates: list[Fingerprint] = field(default_factory=list)  # fingerprint; empty: cannot be grouped
    fingerprint: Fingerprint | None = None  # fingerprint: the one of the candidates that counts
    subject: Subject | None = None  # the first that tries a rule, see `project_rules.subject_of`
    assignee: Assignee | None = None  # fingerprint: whom the grouping rule names
    fingerprint_id: UUID | None = None  # link
    issue_id: UUID | None = None  # link
    release_id: UUID | None = None  # event_release

    @property
    def is_exception(self) -> bool:
        """Whether this event is stored and grouped, rather than only counted."""
        return self.entry["event"] == EXCEPTION

    @property
    def day(self) -> date:
        """The UTC day of receipt."""
        return utc_day(self.received_at)

    def happened_at(self) -> datetime:
        """Return when it happened, corrected for the client's clock."""
        entry, sent_at = self.entry, self.request["sent_at"]
        if entry.get("keep_timestamp"):
            sent_at = None
        return timestamps.effective(self.received_at, entry["timestamp"], sent_at, entry["offset"])


class KnownFingerprint(NamedTuple):
    """A fingerprint that belongs to an issue, as the database has it."""

    id: UUID
    issue_id: UUID
    status: str


class FrameReference(NamedTuple):
    """Where a frame of this batch is stored."""

    frame_id: UUID
    content_id: UUID
    symbol_set_id: UUID | None
    waits: bool  # for a symbol set for lack of which it failed


@dataclass(slots=True)
class Batch:
    """Events of one project that are processed in one transaction."""

    environment_id: int
    events: list[Accepted]
    now: datetime = field(default_factory=clock.now)
    live: list[Accepted] = field(init=False)  # exceptions that have no outcome yet
    frames: dict[tuple[str, int], FrameReference] = field(default_factory=dict)  # by raw id and part
    # What symbol sets made of frames, by raw id; filled before the batch's transaction begins, see `symbolicate`
    symbolicated: dict[str, list[Frame]] = field(default_factory=dict)
    known: dict[str, KnownFingerprint] = field(default_factory=dict)  # by text
    rules: ProjectRules | None = None  # read when first asked for, see `project_rules.rules_of`
    # What the rate limits said, by `allowed`, `bypassed`, `rate_limited/issue`, `rate_limited/project`
    limited: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.live = [event for event in self.events if event.outcome is None and event.is_exception]

    def end(self, events: Iterable[Accepted], outcome: Outcome, reason: str = "") -> None:
        """Give ``events`` their outcome; they go no further."""
        for event in events:
            event.outcome, event.reason = outcome, reason
        self.live = [event for event in self.live if event.outcome is None]

    def outcomes(self) -> Counter[OutcomeKey]:
        """Return how many events ended how. Raises ``RuntimeError`` if a stage forgot one: nothing may be lost."""
        counts: Counter[OutcomeKey] = Counter()
        for event in self.events:
            if event.outcome is None:
                raise RuntimeError(f"no stage gave event {event.uuid} an outcome")
            counts[event.day, event.outcome, event.reason] += 1
        return counts


def accepted(request: Payload, received_at: datetime) -> list[Accepted]:
    """Return the events of one request, in its order."""
    return [Accepted(UUID(entry["uuid"]), entry, request, received_at) for entry in request["events"]]
