"""What an authenticated request may do, in the order of contract 1.3; every refusal has its text there."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission

from environments.api import access
from environments.api.access import Access, KeyGrant
from environments.api.requests import APIRequest
from environments.scopes import EVERYTHING

UNSUPPORTED = "This action does not support personal API key access"
NO_ACCESS = "You don't have access to the project."


class Refused(BasePermission):
    """The default of every view: who forgets to say what is allowed allows nothing."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Refuse."""
        return False


class ProjectAccess(BasePermission):
    """Authenticated → action open to keys → project known → within the key's limits → scope → member.

    Leaves the project in ``view.project``. Sessions have no scopes. A method that the route does not map belongs to no
    action: it passes here, for its 405, when project and membership are right.
    """

    def has_permission(self, request: APIRequest, view: Any) -> bool:  # type: ignore[override]
        """Return true or raise the refusal."""
        if request.user is None:
            raise NotAuthenticated
        grant = request.auth if isinstance(request.auth, KeyGrant) else None
        is_action = view.action is not None
        required = view.required_scope() if grant and is_action else None
        if grant and is_action and required is None:
            raise PermissionDenied(UNSUPPORTED)
        found = access.resolve(request, view.kwargs)
        if grant:
            check_limits(grant, found)
            if required is not None:
                check_scope(grant, required)
        if found is not None:
            if not found.is_member:
                raise PermissionDenied(NO_ACCESS)
            view.project, view.level = found.project, found.level
        return True


def check_limits(grant: KeyGrant, found: Access | None) -> None:
    """Raise ``PermissionDenied`` where the key is limited to other projects or organizations."""
    if found is None:
        if grant.teams:
            raise PermissionDenied("API keys with scoped projects are only supported on project-based endpoints.")
        return
    project = found.project
    if grant.teams and project.pk not in grant.teams:
        raise PermissionDenied(f"API key does not have access to the requested project: ID {project.pk}.")
    if grant.organizations and str(project.organization_id) not in grant.organizations:
        raise PermissionDenied(
            f"API key does not have access to the requested organization: ID {project.organization_id}."
        )


def check_scope(grant: KeyGrant, required: str) -> None:
    """Raise ``PermissionDenied`` where the key lacks the scope. Write includes read; no scopes are no rights."""
    enough = {EVERYTHING, required, required.replace(":read", ":write")}
    if grant.scopes.isdisjoint(enough):
        raise PermissionDenied(f"API key missing required scope '{required}'")
