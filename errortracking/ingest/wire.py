"""A request of an SDK → what is to be stored of it, as a pure function of its bytes.

No I/O and no settings: everything that decides comes in as an argument (only the ids of events without one are made
here). ``capture_v1`` is the same for the newer protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from errortracking.ingest import depth, events, limits, parse, project_token
from errortracking.ingest.body import fields, json_text
from errortracking.ingest.refusal import no_event, too_large, unparsable
from errortracking.models.payload import EventEntry


@dataclass(frozen=True, slots=True)
class Request:
    """What of an HTTP request decides about its events. Headers are ``""`` where the request has none."""

    method: str
    route: str
    """The path without its slashes at both ends."""

    query: bytes = b""
    body: bytes = b""
    content_type: str = ""
    content_encoding: str = ""
    authorization: str = ""
    sdk_info: str = ""
    request_timestamp: str = ""

    def json(self) -> Any:
        """Return the parsed body (or ``data`` parameter). Raises ``Refused``."""
        return parse.parse(self._text())

    def json_and_depth(self) -> tuple[Any, bool]:
        """Return the parsed body, and whether an event in it may hold values below the limit. Raises ``Refused``."""
        text = self._text()
        document = parse.parse(text)
        return document, depth.exceeds(document, limits.PROPERTY_DEPTH + 1, len(text))

    def _text(self) -> bytes:
        return json_text(self.method, self.query, self.content_type, self.content_encoding, self.body)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that will be stored when a project has its token."""

    token: str
    events: list[EventEntry]
    sent_at: str | None = None
    historical_migration: bool = False
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    """Capture V1 only: the verdict on each event, by the uuid that its client knows."""


# Parts of recordings, which nothing here plays: the events are counted, their megabytes need not wait in the queue.
_RECORDED: Final = ("$snapshot_data", "$snapshot_items")

# Milliseconds of the epoch between 2021 and 2100; older SDKs put seconds into `_`, which are below.
_EARLIEST, _LATEST = 1_609_459_200_000, 4_102_444_800_000


def decode(request: Request) -> Accepted:
    """Decode a v0 request. One bad event refuses the whole request. Raises ``Refused`` and nothing else."""
    document, deep = request.json_and_depth()
    raw = raw_events(document)
    token = project_token.of_request(document, raw)
    if request.route == "engage":
        for event in raw:
            if event.get("event") is None:
                event["event"] = "$identify"  # persons' properties, sent without a name
    entries = [events.entry(event, token, deep=deep) for event in raw]
    if request.route == "s":
        for entry in entries:
            for key in _RECORDED:
                entry["properties"].pop(key, None)
    batch = document if isinstance(document, dict) else {}
    return Accepted(
        token=token,
        events=entries,
        sent_at=sent_at(batch.get("sent_at"), request.query),
        historical_migration=batch.get("historical_migration") is True,
    )


def raw_events(document: Any) -> list[dict[str, Any]]:
    """Return the events of a parsed body of any of the three shapes: a list, ``{batch: […]}``, one event.

    Raises ``Refused`` where there are none, too many, or one that is no object.
    """
    found = document.get("batch", [document]) if isinstance(document, dict) else document
    if found is None:
        raise no_event()
    if not isinstance(found, list):
        raise unparsable("batch must be an array")
    if not found:
        raise no_event()
    if len(found) > limits.EVENTS:
        raise too_large("a request", limits.EVENTS, "events")
    if not all(type(event) is dict for event in found):
        raise unparsable("an event must be an object")
    return found


def sent_at(value: Any, query: bytes = b"") -> str | None:
    """Return when the client says that it sent the request: ``value``, else ``_`` of the query, in milliseconds."""
    if isinstance(value, str) and value:
        return value[: limits.MOMENT]
    if value is None and b"_=" in query:
        sent = fields(query).get(b"_", b"")
        value = int(sent) if sent.isdigit() and len(sent) < 20 else None
    if isinstance(value, int | float) and _EARLIEST <= value < _LATEST:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    return None
