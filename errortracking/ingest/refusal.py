"""The one exception of decoding, with the texts that SDKs and their users know."""

from __future__ import annotations

from typing import Final

NO_PROJECT: Final = "unknown_token"
"""The reason of a refusal because no project has the token."""


class Refused(Exception):
    """A request that is answered with ``status`` and the plain ``text``, and of which nothing is stored.

    ``reason`` is a short word for counters: unlike the text it never holds anything from the request.
    """

    def __init__(self, status: int, text: str, reason: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


def undecodable(why: str) -> Refused:
    """Return the refusal of a body that no decoding turns into JSON text."""
    return Refused(400, f"failed to decode request: {why}", "decode")


def unparsable(why: str) -> Refused:
    """Return the refusal of a body that is not JSON, or not JSON of a known shape."""
    return Refused(400, f"failed to parse request: {why}", "parse")


def too_large(what: str, limit: int, unit: str = "bytes") -> Refused:
    """Return the refusal of a request beyond a limit. 413 and not 400: posthog-node then halves its batch."""
    return Refused(413, f"{what} is limited to {limit} {unit}", "too_large")


def no_event() -> Refused:
    """Return the refusal of a request without any event."""
    return Refused(400, "request holds no event", "no_event")


def bad_token(why: str) -> Refused:
    """Return the refusal of a project token; ``why`` is one of upstream's words, or a sentence for an unknown one."""
    return Refused(401, f"API key is not valid: {why}", "token")


def unknown_token() -> Refused:
    """Return the refusal of a token that no project has; upstream would answer 200 and drop the events."""
    return Refused(401, "API key is not valid: no project has this token", NO_PROJECT)


def unavailable(reason: str = "unavailable") -> Refused:
    """Return the answer of a server that cannot store now: its database is away, too much waits, the disk is full.

    503, because browsers' SDKs never retry a 4xx.
    """
    return Refused(503, "transient error, please retry", reason)
