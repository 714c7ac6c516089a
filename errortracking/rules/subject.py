"""What rules see of one exception: its properties, what was derived from its stack, and its issue where it has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

from errortracking.rules.errors import OutOfSteps
from errortracking.rules.limits import STEPS_PER_EVENT, STEPS_PER_RULE

# Recursive, and Python 3.11 has no ``type`` statement: the forward references are strings.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

EVENT = "event"
ISSUE = "error_tracking_issue"
ISSUE_KEYS = ("name", "description", "status")  # what upstream gives assignment rules to see of the issue


class Key(NamedTuple):
    """What a condition looks at: a property of the event, or a column of its issue."""

    type: str
    name: str


class Subject:
    """One exception as rules see it. Costs nothing until a rule asks.

    ``properties`` are the event's own, cleaned; ``derive`` makes those that the server adds (``$exception_types`` and
    so on), which win, and is called at most once. ``issue`` is there for assignment rules only. The steps that are
    left are shared by all rules that look at the event.
    """

    def __init__(
        self,
        properties: Mapping[str, Json],
        derive: Callable[[], Mapping[str, Json]] = dict,
        issue: Mapping[str, Json] | None = None,
    ) -> None:
        self._sent = properties
        self._derive = derive
        self.issue = issue
        self.left = STEPS_PER_EVENT
        self._floor = 0

    @cached_property
    def properties(self) -> Mapping[str, Json]:
        """The event's own properties and those that were derived."""
        return {**self._sent, **self._derive()}

    def get(self, key: Key) -> Json:
        """Return what stands under ``key``; None where nothing does.

        A dot in the name of a property that is not there leads into an object: ``$exception_release.version``.
        """
        if key.type == ISSUE:
            return self.issue.get(key.name) if self.issue else None
        found = self.properties.get(key.name)
        if found is None and "." in key.name and key.name not in self.properties:
            return self._within(key.name)
        return found

    def _within(self, name: str) -> Json:
        first, *rest = name.split(".")
        found = self.properties.get(first)
        for part in rest:
            if not isinstance(found, dict):
                return None
            found = found.get(part)
        return found

    def begin_rule(self) -> None:
        """Give the next rule its steps: as many as a rule may take, of those that are left for the event."""
        self._floor = max(self.left - STEPS_PER_RULE, 0)

    def spend(self, steps: int) -> None:
        """Take ``steps`` off what is left. Raises ``OutOfSteps`` where the rule or the event has no more."""
        self.left -= steps
        if self.left < self._floor:
            raise OutOfSteps("too many steps for one rule" if self._floor else "too many steps for one event")
