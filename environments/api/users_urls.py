"""The routes of users, organizations, projects and keys, below ``/api/``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.urls import URLPattern, re_path
from rest_framework.urlpatterns import format_suffix_patterns

from environments.api.invites import InviteViewSet
from environments.api.keys import PersonalAPIKeyViewSet
from environments.api.organizations import OrganizationDetailViewSet, OrganizationListViewSet
from environments.api.organizations_members import MemberViewSet
from environments.api.projects import OrganizationProjectsViewSet, ProjectDetailViewSet, ProjectsViewSet
from environments.api.users import UserViewSet
from environments.api.users_password import PasswordResetView

_ORGANIZATION: Final = "organizations/{organization_id}"
_READ: Final = {"get": "retrieve"}
_CHANGE: Final = {"patch": "partial_update", "delete": "destroy"}

ROUTES: Final[list[tuple[str, Any, str, dict[str, str]]]] = [
    ("users/{uuid}", UserViewSet, "users", _READ | {"patch": "partial_update"}),
    ("organizations", OrganizationListViewSet, "organizations", {"get": "list"}),
    ("organizations/{id}", OrganizationDetailViewSet, "organizations", _READ | {"delete": "destroy"}),
    (f"{_ORGANIZATION}/members", MemberViewSet, "members", {"get": "list"}),
    (f"{_ORGANIZATION}/members/{{user_uuid}}", MemberViewSet, "members", _CHANGE),
    (f"{_ORGANIZATION}/invites", InviteViewSet, "invites", {"get": "list", "post": "create"}),
    (f"{_ORGANIZATION}/invites/{{id}}", InviteViewSet, "invites", {"delete": "destroy"}),
    (f"{_ORGANIZATION}/projects", OrganizationProjectsViewSet, "projects", {"get": "list", "post": "create"}),
    ("projects", ProjectsViewSet, "projects", {"get": "list", "post": "create"}),
    ("projects/{project_id}", ProjectDetailViewSet, "projects", _READ | _CHANGE),
    ("environments", ProjectsViewSet, "environments", {"get": "list"}),
    ("environments/{environment_id}", ProjectDetailViewSet, "environments", _READ),
    ("personal_api_keys", PersonalAPIKeyViewSet, "personal_api_keys", {"get": "list", "post": "create"}),
    ("personal_api_keys/{id}", PersonalAPIKeyViewSet, "personal_api_keys", _READ | _CHANGE),
    ("personal_api_keys/{id}/roll", PersonalAPIKeyViewSet, "personal_api_keys", {"post": "roll"}),
]
"""Path, view, what the record of changes calls the object, method → action."""


def _patterns() -> Iterator[URLPattern]:
    for path, view, basename, actions in ROUTES:
        place = path.replace("{", "(?P<").replace("}", ">[^/.]+)")
        detail = "retrieve" in actions.values() or "destroy" in actions.values()
        yield re_path(rf"^{place}/?$", view.as_view(actions, basename=basename, detail=detail))
    yield re_path(r"^reset_password/?$", PasswordResetView.as_view())


urlpatterns = format_suffix_patterns(list(_patterns()), allowed=["json"])
