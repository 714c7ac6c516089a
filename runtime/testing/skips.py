"""Skipped tests: each needs a line in ``tests/expected_skips.txt``, or the run is red.

A suite that skips what it cannot do stays green on a machine where it tests nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass
class Skips:
    """The tests skipped in a run, against the list of those that may be. A line reads ``pattern of node ids | reason``;
    an empty line or one that begins with ``#`` is a comment."""

    allowed: list[tuple[str, str]] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path) -> Skips:
        """Read the list; a missing file allows nothing. Raises ``ValueError`` for a line without a reason."""
        allowed = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            if not line.strip() or line.startswith("#"):
                continue
            pattern, _, reason = (part.strip() for part in line.partition("|"))
            if not reason:
                raise ValueError(f"{path}: {pattern!r} needs a reason: pattern | reason")
            allowed.append((pattern, reason))
        return cls(allowed)

    def add(self, node: str, said: object) -> None:
        """Note that ``node`` was skipped; ``said`` is pytest's (file, line, reason) or a text."""
        text = str(said[2]) if isinstance(said, tuple) else str(said)
        self.seen[node] = text.removeprefix("Skipped: ")

    def reason(self, node: str) -> str | None:
        """Return the listed reason for skipping ``node``, ``None`` where there is none."""
        return next((reason for pattern, reason in self.allowed if fnmatchcase(node, pattern)), None)

    @property
    def unexpected(self) -> list[str]:
        """The skipped tests that no line allows."""
        return [node for node in self.seen if self.reason(node) is None]

    def lines(self) -> list[str]:
        """Return one line for each skipped test, unexpected ones first."""
        red = [f"UNEXPECTED {node}: {self.seen[node]}" for node in self.unexpected]
        known = [f"expected {node}: {self.reason(node)}" for node in self.seen if self.reason(node) is not None]
        return red + known
