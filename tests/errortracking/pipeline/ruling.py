"""Rules for the tests of the stages that try them."""

from __future__ import annotations

from itertools import count
from typing import Any, TypeVar

from environments.models import Membership, Organization, Project, Role, User
from errortracking.models import IssueAssignment
from errortracking.models.rules import Rule

AnyRule = TypeVar("AnyRule", bound=Rule)
_numbers = count(1)


def where(key: str = "$exception_types", value: Any = "ValueError", operator: str = "exact", **more: Any) -> Any:
    """Return filters of one condition."""
    condition = {"key": key, "value": value, "operator": operator, "type": "event", **more}
    return {"type": "AND", "values": [condition]}


def of_issue(key: str, value: Any) -> Any:
    """Return filters of one condition on the issue."""
    return where(key, value, type="error_tracking_issue")


def add(model: type[AnyRule], project: Project, filters: Any, **columns: Any) -> AnyRule:
    """Give the project a rule, after those that it has."""
    columns.setdefault("order_key", next(_numbers))
    return model._default_manager.create(environment_id=project.id, filters=filters, **columns)


def person(project: Project, name: str = "ada") -> User:
    """Return a new user who belongs to the project's organization."""
    user = User.objects.create_user(f"{name}{next(_numbers)}@example.com")
    Membership.objects.create(organization_id=project.organization_id, user=user)
    return user


def role(project: Project, name: str = "on call") -> Role:
    """Return a new role of the project's organization."""
    return Role.objects.create(organization=Organization.objects.get(id=project.organization_id), name=name)


def assignees(project: Project) -> dict[str, Any]:
    """Return whom the project's issues are assigned to, by the issue's name: ``{"KeyError": user.id}``."""
    rows = IssueAssignment.objects.filter(environment_id=project.id).select_related("issue")
    return {row.issue.name or "": row.user_id or row.role_id for row in rows}
