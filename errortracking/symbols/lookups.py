"""What is asked of a symbol set, and what it answers. Plain data: they cross the border to the parsing process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from errortracking.symbols.failures import Failure

CONTEXT_LINES = 15  # of the original source on each side of the position (pipeline 2.4)


class Kind(StrEnum):
    """Which kind of data the position is to be looked up in."""

    JAVASCRIPT = "javascript"
    HERMES = "hermes"
    PROGUARD = "proguard"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in minified code, as the SDK sent it: lines and columns count from 1, as in a stack.

    JavaScript asks by ``line`` and ``column``; Hermes by ``column`` alone, an offset in bytecode that counts from 0;
    ProGuard by ``module`` (the class), ``function`` and ``line``, 0 where the SDK sent none.
    """

    kind: Kind
    line: int = 0
    column: int = 0
    function: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for one frame: ``refs`` are the keys of the symbol sets that may know, the best first."""

    refs: tuple[str, ...]
    position: Position
    url: str | None = None
    """The one of ``refs`` that can be fetched; None where there is none."""


class SourceLine(TypedDict):
    """One line of the original source with its number in the file."""

    number: int
    line: str


class SourceContext(TypedDict):
    """The original lines around a position, ascending on both sides; cut at 400 characters, beyond what is shown."""

    before: list[SourceLine]
    line: SourceLine
    after: list[SourceLine]


@dataclass(frozen=True, slots=True)
class Original:
    """One original place. A position has several where the build tool inlined functions, outermost first."""

    source: str | None = None
    line: int | None = None
    column: int | None = None
    name: str | None = None
    module: str | None = None
    context: SourceContext | None = None


Answer = tuple[Original, ...] | Failure
"""At least one place, or why there is none."""
