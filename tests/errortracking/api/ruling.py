"""The four kinds of rules, for the tests of what they have in common."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from environments.models import Project, Role
from errortracking.models import AssignmentRule, BypassRule, GroupingRule, SuppressionRule
from tests.environments.world import Api, World

TIMEOUTS: dict[str, Any] = {
    "type": "AND",
    "values": [{"key": "$exception_types", "type": "event", "operator": "exact", "value": ["TimeoutError"]}],
}
OTHERS: dict[str, Any] = {
    "type": "OR",
    "values": [
        {"key": "$exception_values", "type": "event", "operator": "icontains", "value": "quota"},
        {"type": "AND", "values": [{"key": "host", "operator": "regex", "value": "^db-[0-9]+$"}]},
    ],
}
EMPTY = (204, None)


class Kind(NamedTuple):
    """One kind of rules: its path, its model, and what it shows beside what all show."""

    name: str
    model: Any
    shown: dict[str, Any]

    def body(self, world: World, **fields: Any) -> dict[str, Any]:
        """Return the smallest body of a new rule, with ``fields``."""
        assignee = {"assignee": {"type": "user", "id": str(world.user.pk)}} if self.name == "assignment_rules" else {}
        return {"filters": TIMEOUTS} | assignee | fields

    def make(self, world: World, **fields: Any) -> Any:
        """Store a rule."""
        needed = {"user": world.user} if self.name == "assignment_rules" and "role" not in fields else {}
        return self.model.objects.create(**{"environment": world.project, "filters": TIMEOUTS} | needed | fields)

    def api(self, world: World, *scopes: str) -> Api:
        """Return a client of the project's rules of this kind."""
        return Api(world.project, world.key(*(scopes or ("*",))), below=f"error_tracking/{self.name}/")

    def orders(self, project: Project) -> dict[str, int]:
        """Return the rules' ids and places, as they are tried."""
        rows = self.model.objects.filter(environment=project).order_by("order_key", "id")
        return {str(row.pk): row.order_key for row in rows}


KINDS = [
    Kind("assignment_rules", AssignmentRule, {"assignee": None}),
    Kind("grouping_rules", GroupingRule, {"assignee": None, "description": None, "issue": None}),
    Kind("suppression_rules", SuppressionRule, {"sampling_rate": 1.0}),
    Kind("bypass_rules", BypassRule, {}),
]
ASSIGNING = KINDS[:2]
of_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
of_assigning_kinds = pytest.mark.parametrize("kind", ASSIGNING, ids=lambda kind: kind.name)


def shown(kind: Kind, world: World, **fields: Any) -> dict[str, Any]:
    """Return what the API shows of the rule that `Kind.make` or the smallest body makes, without id and times."""
    assigned = {"assignee": {"type": "user", "id": str(world.user.pk)}} if kind.name == "assignment_rules" else {}
    return {"filters": TIMEOUTS, "order_key": 0, "disabled_data": None} | kind.shown | assigned | fields


def without_times(rule: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a rule without what differs from run to run."""
    return {name: value for name, value in rule.items() if name not in {"id", "created_at", "updated_at"}}


def make_role(world: World, name: str = "backend") -> Role:
    return Role.objects.create(organization=world.organization, name=name)


def work(sent: list[str]) -> list[str]:
    """Return what each statement does to which table: ``INSERT environments_auditentry``; none for transactions."""
    found = []
    for statement in sent:
        verb = re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", statement)
        tables = re.findall(r'(?:FROM|INTO|UPDATE) "?(\w+)"?', statement)
        if verb and tables:
            found.append(f"{verb[1]} {tables[-1]}")  # an inner SELECT stands before the outer one's table
    return found
