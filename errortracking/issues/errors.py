"""What keeps a change of issues from being made."""

from __future__ import annotations


class IssueGone(LookupError):
    """The issue that is to be changed is not there (any more)."""


class Refused(ValueError):
    """The change makes no sense as things are. ``code`` is a word for programs, ``place`` leads into what was given."""

    def __init__(self, message: str, code: str, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.place = place


class Busy(RuntimeError):
    """Others have changed the same issues at the same time, again and again. Nothing was changed."""
