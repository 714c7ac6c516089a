"""What can come of a request instead of an answer.

``reason`` is written for whoever named the address. It tells no address that a name resolved to: who may send events
may read reasons, and shall not map the server's network by them.
"""

from __future__ import annotations

LONGEST_URL_SHOWN = 2048  # as much of it as a symbol set's reference keeps; a hostile Location may have 64 KB


class OutboundError(Exception):
    """``url`` is the hop at which it happened, the address asked for or one that a redirect led to; ``hop`` counts the
    redirects before it."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url[:LONGEST_URL_SHOWN]
        self.reason = reason
        self.hop = 0
        super().__init__(f"{self.url}: {reason}")


class Refused(OutboundError):
    """The address is one that this server does not connect to."""


class NotAnAddress(Refused):
    """The text is no http or https URL, or one with a user name, which nobody here has a use for."""


class TimedOut(OutboundError):
    """Connecting, or the whole request, took longer than allowed."""


class TooLarge(OutboundError):
    """The answer is larger than asked for, as sent or decompressed."""


class TooManyRedirects(OutboundError):
    """The redirects led on and on."""


class Unreachable(OutboundError):
    """No such name, no connection, no trustworthy certificate, or no proper HTTP."""
