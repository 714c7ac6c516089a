"""The contract between ingest and pipeline: what one row of the queue holds, and how it is packed into bytes.

A payload is zstd-compressed JSON. It is written once, by ``errortracking.ingest``, before a request is answered,
and read by the worker. Everything in it is still the client's word, only brought into one shape; what was
unreadable as JSON (lone surrogates, NUL, ``NaN``) was repaired before, so a payload can always be unpacked and
packed again.

JSON and not pickle or msgpack: an operator can read a row with ``zstd -d``, and orjson is the fastest parser.
"""

from __future__ import annotations

from typing import Any, Final, NotRequired, TypedDict

from errortracking.models import packing

VERSION: Final = 1

# Level 1: level 3 saves 4 % of the bytes of a recorded exception and costs 13 % more time. Rows are short-lived.
_LEVEL: Final = 1

# What unpack() refuses to exceed. A request expands to at most 25 MB (`errortracking.ingest.limits`); written
# again it can grow, a control character to six bytes and each event by a hundred, but never beyond this.
MAXIMUM_UNPACKED_BYTES: Final = 256 * 1024 * 1024

_Entry = TypedDict(
    "_Entry",
    {
        # Persons' properties as sent, where the event had them outside of `properties`; objects only.
        "$set": NotRequired[dict[str, Any]],
        "$set_once": NotRequired[dict[str, Any]],
    },
)


class EventEntry(_Entry):
    """One event of a request, in the order of the request."""

    event: str
    """Name, 1 to 200 characters."""

    uuid: str
    """Canonical lower-case text of a UUID, never nil. The client's or the server's; fixed here, so that a retry
    of the worker meets the same one."""

    distinct_id: str
    """1 to 200 characters."""

    timestamp: str | None
    """When it happened: the client's text, unparsed, at most 100 characters (ISO 8601 when the client is right; a
    JSON number became its text)."""

    offset: float | None
    """Milliseconds before `received_at` at which it happened; only older SDKs send it."""

    properties: dict[str, Any]
    """The client's, at most 64 levels deep (this object is level 1). For capture V1 `$lib`, `$lib_version`,
    `$session_id` and the like are filled in."""

    keep_timestamp: NotRequired[bool]
    """True where the client asked that clock skew not be corrected."""

    faults: NotRequired[list[str]]
    """Texts for `$cymbal_errors` about what had to be cut away to keep the event; never a client's."""


class Payload(TypedDict):
    """One accepted request."""

    v: int
    """Version of this contract: `VERSION`."""

    events: list[EventEntry]
    """At least one."""

    sent_at: str | None
    """The client's clock when it sent the request: its text, unparsed, at most 100 characters (ISO 8601;
    milliseconds of the epoch were converted)."""

    received_at: str
    """Our clock when the request arrived: ISO 8601 with `+00:00`, read back by `datetime.fromisoformat`."""

    ip: str | None
    """The client's address."""

    user_agent: str | None
    """At most 500 characters."""

    historical_migration: NotRequired[bool]
    """True where the client said that it is copying old events."""


def pack(payload: Payload) -> bytes:
    """Return ``payload`` as zstd-compressed JSON.

    Raises ``orjson.JSONEncodeError`` (a ``TypeError``) for values that the contract does not allow.
    """
    return packing.pack(payload, _LEVEL)


def unpack(packed: bytes | memoryview) -> Payload:
    """Return the payload in ``packed`` (psycopg gives a ``memoryview`` for bytea).

    Raises ``ValueError`` when the bytes are no payload of a version that this code knows.
    """
    payload: Payload = packing.unpack(packed, version=VERSION, maximum=MAXIMUM_UNPACKED_BYTES, what="payload")
    return payload


def unpacked_size(packed: bytes | memoryview) -> int:
    """Return how many bytes of JSON ``packed`` expands to, without expanding it; 0 for what is no payload."""
    return packing.unpacked_size(packed)
