"""Capture V1 (``/i/v1/analytics/events``): the token in a header, typed options, and a verdict for each event.

Facts: posthog-python 7.91.1 (``capture_v1.py``) and the requests it sends. Unlike v0, one bad event does not refuse its
neighbours: it gets the verdict ``drop``, which the SDK reports to its user. There is no ``retry``: all events of a
request are stored in one statement, and when that fails the whole request is answered with 503.
"""

from __future__ import annotations

from typing import Any, Final

from errortracking.ingest import events, limits, project_token, wire
from errortracking.ingest.refusal import Refused, no_event, unparsable
from errortracking.models.payload import EventEntry

# Fields that the SDK lifted out of the properties, and the properties they were.
_FROM_EVENT: Final = (("session_id", "$session_id"), ("window_id", "$window_id"))
_FROM_OPTIONS: Final = (
    ("cookieless_mode", "$cookieless_mode"),
    ("disable_skew_correction", "$ignore_sent_at"),
    ("product_tour_id", "$product_tour_id"),
    ("process_person_profile", "$process_person_profile"),
)


def decode(request: wire.Request) -> wire.Accepted:
    """Decode a V1 request. ``events`` of the result is empty when every event was dropped. Raises ``Refused``."""
    token = project_token.of_header(request.authorization)
    document, deep = request.json_and_depth()
    if not isinstance(document, dict) or "batch" not in document:
        raise unparsable("missing field `batch`") if document else no_event()
    sdk = _sdk(request.sdk_info)
    entries: list[EventEntry] = []
    results: dict[str, dict[str, str]] = {}
    for raw in wire.raw_events(document):
        try:
            entry = _entry(raw, token, sdk, deep)
        except Refused as refused:
            if known_as := _known_as(raw, ""):
                results[known_as] = {"result": "drop", "details": refused.text}
        else:
            entries.append(entry)
            results[_known_as(raw, entry["uuid"])] = {"result": "ok"}
    return wire.Accepted(
        token=token,
        events=entries,
        sent_at=wire.sent_at(request.request_timestamp or document.get("created_at")),
        historical_migration=document.get("historical_migration") is True,
        results=results,
    )


def _entry(raw: dict[str, Any], token: str, sdk: dict[str, str], deep: bool) -> EventEntry:
    entry = events.entry(raw, token, deep=deep)
    properties = entry["properties"]
    properties.update(sdk)
    options = raw.get("options")
    for holder, names in ((raw, _FROM_EVENT), (options if isinstance(options, dict) else {}, _FROM_OPTIONS)):
        for field, name in names:
            if holder.get(field) is not None:
                properties[name] = holder[field]
    if properties.get("$ignore_sent_at") is True:
        entry["keep_timestamp"] = True
    return entry


def _sdk(info: str) -> dict[str, str]:
    """Return the properties for a ``PostHog-Sdk-Info`` header: name and version around its last slash."""
    name, slash, version = (part.strip() for part in info.rpartition("/"))
    if not slash or not name or not version or len(info) > limits.SDK_INFO:
        return {}
    return {"$lib": name, "$lib_version": version}


def _known_as(raw: dict[str, Any], made: str) -> str:
    """Return the key under which the client looks for an event's verdict: its own spelling of the uuid."""
    sent = raw.get("uuid")
    return sent if isinstance(sent, str) and sent else made
