"""The contract between pipeline and API: what ``Event.payload`` holds, and how it is packed into bytes.

A stored event holds only what is its own. Its frames are shared rows and stand here by their ids: the
stack-frame row, and the immutable content that the frame had when the event came. Whoever shows an event
takes the content of that time, or the frame's current one where that was unresolved. Fingerprint and issue
are no part of the payload either: the event's row points at its fingerprint, which may move to another issue
at any time.

zstd-compressed JSON, as in the queue (`errortracking.models.payload`), and for the same reasons.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

from errortracking.models import packing

VERSION: Final = 1

# Measured on recorded exceptions of 14 KB: level 3 takes 12 % less room than level 1 and 15 µs more; rows
# live for months.
_LEVEL: Final = 3

MAXIMUM_UNPACKED_BYTES: Final = 512 * 1024 * 1024
"""What `unpack` refuses to exceed: twice what a whole request can hold."""


class StoredFrame(TypedDict):
    """One frame of one exception of this event."""

    frame: str
    """Id of the `StackFrame`."""

    content: str
    """Id of the `FrameContent` that the frame pointed at when the event was processed."""

    code_variables: NotRequired[Any]
    """The variables of this occurrence, as the SDK sent them."""


class StoredException(TypedDict):
    """One exception; optional keys are left out where there is nothing to say."""

    id: str
    """UUID, made by the pipeline."""

    type: str
    value: str
    mechanism: NotRequired[dict[str, Any]]
    module: NotRequired[str]
    thread_id: NotRequired[int]
    stack: NotRequired[Literal["raw", "resolved"]]
    """What the client sent; without a stack the key is absent. The frames shown are resolved in either case."""

    frames: list[StoredFrame]
    """Entry first, crash last."""


class StoredEvent(TypedDict):
    """One exception event."""

    v: int
    """Version of this contract: `VERSION`."""

    exceptions: list[StoredException]
    """Outermost first, root cause last; empty exactly when the list could not be read."""

    properties: dict[str, Any]
    """All other properties, cleaned, with what the pipeline derived (`$exception_types`, `$exception_release`, …) and
    `$cymbal_errors` where something was wrong. An unreadable `$exception_list` stands here as it was sent."""

    ip: NotRequired[str]
    user_agent: NotRequired[str]


def pack(event: StoredEvent) -> bytes:
    """Return ``event`` as zstd-compressed JSON.

    Raises ``orjson.JSONEncodeError`` (a ``TypeError``) for what is no JSON value.
    """
    return packing.pack(event, _LEVEL)


def unpack(packed: bytes | memoryview) -> StoredEvent:
    """Return the event in ``packed``. Raises ``ValueError`` when it is none of a version that this code knows."""
    event: StoredEvent = packing.unpack(packed, version=VERSION, maximum=MAXIMUM_UNPACKED_BYTES, what="stored event")
    return event


def unpacked_size(packed: bytes | memoryview) -> int:
    """Return how many bytes of JSON ``packed`` expands to, without expanding it; 0 for what is no stored event."""
    return packing.unpacked_size(packed)
