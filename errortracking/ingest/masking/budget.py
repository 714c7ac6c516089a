"""How much of one request is looked at piece by piece.

A pattern finds its places in linear time, but what it has found is looked at in Python. A text of 25 MB, which is 35 KB
with gzip, can be five million times ``&pw=x``: that took a web process two minutes and a gigabyte. Nobody reads such a
text, so what has too many places is masked as a whole.
"""

from __future__ import annotations

from typing import Final

LOOKS: Final = 200_000
"""Places in the texts of one request: a second or so, and 10 MB of marks. The largest batch of real exceptions (25 MB,
1,800 of them) has a hundred for each; the batches that SDKs send have thousands for each."""
OF_A_TEXT: Final = 5
"""What it costs to look through a text that may hold something, beside what is found in it."""


class Spent(Exception):
    """There is nothing left."""


class Budget:
    """What is left of a request's `LOOKS`."""

    __slots__ = ("_left",)

    def __init__(self, looks: int = LOOKS) -> None:
        self._left = looks

    def take(self, looks: int = 1) -> None:
        """Take ``looks``. Raises `Spent` where there are not so many, from then on always."""
        self._left -= looks
        if self._left < 0:
            raise Spent
