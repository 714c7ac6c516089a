"""One event as a person reads it: its exceptions with their frames, source lines and variables.

Everything here comes from events. It is text and nothing else: the template escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from environments.api.audit_values import storable
from environments.tenancy import sql
from errortracking.models import Event, FrameContent, Issue, StackFrame, event_payload
from errortracking.models.event_payload import StoredEvent, StoredException, StoredFrame

LATEST: Final = 20
"""Events that an issue's page lists."""

MAX_EXCEPTIONS: Final = 20
MAX_FRAMES: Final = 100
"""Of each exception, from the crash on. A page of more is read by nobody; an endless recursion sends thousands."""
MAX_VARIABLES: Final = 100
MAX_MESSAGE: Final = 10_000  # characters


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as the list of an issue's events shows it."""

    id: UUID
    timestamp: datetime
    distinct_id: str
    sdk: str
    sdk_version: str


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of source code."""

    number: int
    text: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """One frame; ``lines`` and ``variables`` are empty where none were sent."""

    name: str
    place: str
    in_app: bool
    failure: str = ""
    lines: list[SourceLine] = field(default_factory=list)
    variables: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ShownException:
    """One link of the chain; its frames crash first, as many as are shown, and how many are not."""

    type: str
    value: str
    unhandled: bool
    frames: list[ShownFrame]
    more_frames: int

    @property
    def failures(self) -> list[str]:
        """Why frames have no source, each reason once."""
        return list(dict.fromkeys(frame.failure for frame in self.frames if frame.failure))


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event: outermost exception first. ``release`` is empty where it is not known."""

    event: EventLine
    exceptions: list[ShownException]
    more_exceptions: int
    release: str = ""
    commit: str = ""


# Each fingerprint gives its latest by the index; sorting all events of an issue would read all of them.
_LATEST = """
    SELECT e.id, e.timestamp, e.distinct_id, e.sdk, e.sdk_version
    FROM errortracking_fingerprint f CROSS JOIN LATERAL (
        SELECT id, timestamp, distinct_id, sdk, sdk_version FROM errortracking_event
        WHERE environment_id = f.environment_id AND fingerprint_id = f.id
        ORDER BY timestamp DESC, id DESC LIMIT %(limit)s
    ) e
    WHERE f.environment_id = %(environment)s AND f.issue_id = %(issue)s
    ORDER BY e.timestamp DESC, e.id DESC LIMIT %(limit)s
"""


def latest(issue: Issue) -> list[EventLine]:
    """Return the latest events of ``issue``, newest first."""
    with sql.cursor() as cursor:
        parameters = {"environment": issue.environment_id, "issue": issue.pk, "limit": LATEST}
        return [EventLine(*row) for row in cursor.execute(_LATEST, parameters).fetchall()]


def read(issue: Issue, event_id: UUID) -> Occurrence | None:
    """Return the event of ``issue`` with this id, ``None`` where there is none or it cannot be read."""
    columns = ("id", "timestamp", "distinct_id", "sdk", "sdk_version", "payload")
    mine = Event.objects.filter(environment_id=issue.environment_id, pk=event_id, fingerprint__issue_id=issue.pk)
    row = mine.values_list(*columns).first()
    if row is None:
        return None
    try:
        stored = event_payload.unpack(row[-1])
    except ValueError:
        return None
    exceptions = stored["exceptions"][:MAX_EXCEPTIONS]
    contents = _contents(issue.environment_id, [frame for one in exceptions for frame in _shown(one)])
    release, commit = _release(stored)
    return Occurrence(
        EventLine(*row[:-1]),
        [_exception(exception, contents) for exception in exceptions],
        len(stored["exceptions"]) - len(exceptions),
        release,
        commit,
    )


def _shown(exception: StoredException) -> list[StoredFrame]:
    return exception["frames"][-MAX_FRAMES:][::-1]


_Contents = dict[str, tuple[Mapping[str, Any], Mapping[str, Any] | None]]


def _contents(environment_id: int, frames: Iterable[StoredFrame]) -> _Contents:
    """Return contents and context of each frame by its id: those of its time, or today's where these were unresolved.

    At most two statements, however many frames there are.
    """
    content_of = {frame["frame"]: frame["content"] for frame in frames}
    rows = FrameContent.objects.filter(environment_id=environment_id, pk__in=set(content_of.values()))
    known = {str(row.pk): row for row in rows}
    unresolved = [id_ for id_, content in content_of.items() if content not in known or not known[content].resolved]
    found: _Contents = {
        id_: (known[content].contents, known[content].context)
        for id_, content in content_of.items()
        if content in known
    }
    if unresolved:
        now = StackFrame.objects.filter(environment_id=environment_id, pk__in=unresolved).select_related("content")
        found |= {str(frame.pk): (frame.content.contents, frame.content.context) for frame in now}
    return found


def _exception(exception: StoredException, contents: _Contents) -> ShownException:
    mechanism = exception.get("mechanism") or {}
    shown = _shown(exception)
    return ShownException(
        exception["type"],
        exception["value"][:MAX_MESSAGE],
        mechanism.get("handled") is False,
        [read_frame(*contents.get(frame["frame"], ({}, None)), frame.get("code_variables")) for frame in shown],
        len(exception["frames"]) - len(shown),
    )


def read_frame(contents: Mapping[str, Any], context: Mapping[str, Any] | None, variables: Any = None) -> ShownFrame:
    """Return a frame as a person reads it: its contents, its source lines, and the variables that one event sent."""
    place = [contents.get("source") or contents.get("module"), contents.get("line"), contents.get("column")]
    return ShownFrame(
        str(contents.get("resolved_name") or contents.get("mangled_name") or "(unknown function)"),
        ":".join(str(part) for part in place if part is not None),
        bool(contents.get("in_app")),
        str(contents.get("resolve_failure") or ""),
        _lines(context),
        _variables(variables),
    )


def _lines(context: Mapping[str, Any] | None) -> list[SourceLine]:
    """Return the lines in their order in the file: an SDK's lines before the frame's own come nearest first."""
    if not context:
        return []
    current = context["line"]["number"]
    lines = [*context["before"], context["line"], *context["after"]]
    return [
        SourceLine(line["number"], line["line"], line["number"] == current)
        for line in sorted(lines, key=lambda line: int(line["number"]))
    ]


def _variables(sent: Any) -> list[tuple[str, str]]:
    """Return names and values as text; passwords and the like hidden, also where an SDK did not."""
    if sent is None:
        return []
    named = sent if isinstance(sent, Mapping) else {"": sent}
    return [(name, _text(storable(name, value))) for name, value in list(named.items())[:MAX_VARIABLES]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _release(stored: StoredEvent) -> tuple[str, str]:
    """Return name and version, and the commit, of the event's release."""
    release = stored["properties"].get("$exception_release")
    if not isinstance(release, Mapping):
        return "", ""
    metadata = release.get("metadata")
    git = metadata.get("git") if isinstance(metadata, Mapping) else None
    commit = git.get("commit_id") if isinstance(git, Mapping) else None
    return f"{release.get('project', '')} {release.get('version', '')}".strip(), str(commit or "")[:12]
