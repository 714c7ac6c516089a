"""What can go wrong with a rule: when it is written, and when it is tried."""

from __future__ import annotations

Path = tuple[str | int, ...]


class FilterError(ValueError):
    """These filters cannot be a rule. ``path`` tells where: keys and indices from the filters' root."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class RuleError(Exception):
    """The rule does not fit what events hold (a comparison of sizes with a text): it is to be switched off."""


class OutOfSteps(Exception):
    """This event would cost too much. The rule is skipped for it, and stays as it is: the event is at fault."""
