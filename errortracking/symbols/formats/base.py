"""What the formats share: the failure of a whole file, and texts that are fit to be stored."""

from __future__ import annotations

from errortracking.symbols.failures import Failure

NAME_CHARACTERS = 2_000  # of a function or a path; real ones stay far below
# Of a line of source. Shown are 300 (pipeline 2.4); of a file that was minified before it was bundled, a line is all of
# it, and 31 of them for every position would be more than the data itself.
LINE_CHARACTERS = 400


class Invalid(Exception):
    """The data is not what its kind says. ``failure`` is what is kept on its row."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def name(text: str | None) -> str | None:
    """Return a name or path as it is stored: bounded, and without what PostgreSQL's JSON cannot hold."""
    return text.replace("\0", "�")[:NAME_CHARACTERS] if text else None


def line(text: str) -> str:
    """Return a line of source without its end, bounded."""
    return text[: LINE_CHARACTERS + 2].removesuffix("\n").removesuffix("\r").replace("\0", "�")[:LINE_CHARACTERS]
