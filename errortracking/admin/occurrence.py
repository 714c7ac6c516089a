"""One event as a person reads it: its exceptions with their frames, source lines and variables.

Everything here comes from events. It is text and nothing else: the template escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from environments.api.audit_values import storable
from errortracking.models import Issue, event_payload
from errortracking.models.event_payload import StoredEvent, StoredException, StoredFrame
from errortracking.occurrences import events, frames
from errortracking.occurrences.frames import FrameThen, Key

LATEST: Final = 20
"""Events that an issue's page lists."""

MAX_EXCEPTIONS: Final = 20
MAX_FRAMES: Final = 100
"""Of each exception, from the crash on. A page of more is read by nobody; an endless recursion sends thousands."""
MAX_VARIABLES: Final = 100
MAX_MESSAGE: Final = 10_000  # characters
BUDGET: Final = 16 * 1024 * 1024  # bytes of contents and source lines; what exceeds it is shown as unknown


EventLine = events.Line
"""An event as the list of an issue's events shows it."""


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


def latest(issue: Issue) -> list[EventLine]:
    """Return the latest events of ``issue``, newest first."""
    return events.lines(events.Asked(issue.environment_id, issue.pk), slice(0, LATEST))


def read(issue: Issue, event_id: UUID) -> Occurrence | None:
    """Return the event of ``issue`` with this id, ``None`` where there is none or it cannot be read."""
    row = events.one(issue.environment_id, issue.pk, event_id)
    if row is None or row.payload is None:
        return None
    try:
        stored = event_payload.unpack(row.payload)
    except ValueError:
        return None
    exceptions = stored["exceptions"][:MAX_EXCEPTIONS]
    wanted = dict.fromkeys((frame["frame"], frame["content"]) for one in exceptions for frame in _shown(one))
    found = frames.read(issue.environment_id, list(wanted), BUDGET, parsed=True)
    release, commit = _release(stored)
    return Occurrence(
        row.line,
        [_exception(exception, found) for exception in exceptions],
        len(stored["exceptions"]) - len(exceptions),
        release,
        commit,
    )


def _shown(exception: StoredException) -> list[StoredFrame]:
    return exception["frames"][-MAX_FRAMES:][::-1]


def _exception(exception: StoredException, found: Mapping[Key, FrameThen]) -> ShownException:
    mechanism = exception.get("mechanism") or {}
    shown = _shown(exception)
    return ShownException(
        exception["type"],
        exception["value"][:MAX_MESSAGE],
        mechanism.get("handled") is False,
        [_frame(found[frame["frame"], frame["content"]], frame.get("code_variables")) for frame in shown],
        len(exception["frames"]) - len(shown),
    )


def _frame(then: FrameThen, variables: Any) -> ShownFrame:
    return read_frame(then.contents or {}, then.context, variables)


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
