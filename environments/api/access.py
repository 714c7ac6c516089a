"""Who asks, and for which project: one query for a key, its user, the project of the path and the membership."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from rest_framework.exceptions import APIException, AuthenticationFailed

from environments import clock
from environments.api.credentials import find_project_token
from environments.api.exceptions import ProjectNotFound
from environments.api.requests import APIRequest
from environments.models import Project, User
from environments.tenancy import sql

PATH_NAMES: Final = ("environment_id", "project_id")
"""What the project is called in a path, by prefix; `/api/environments/{project_id}/health_issues/` is documented so."""

_NUMBER: Final = re.compile(r"[0-9]{1,19}\Z", re.ASCII)
_LARGEST_ID: Final = 2**31 - 1


class ProjectReference(NamedTuple):
    """How a request names its project."""

    kind: Literal["id", "current", "token", "impossible"]
    value: int | str | None = None


class Access(NamedTuple):
    """A project, and what the user may do in its organization."""

    project: Project
    level: int | None
    """The user's `Membership.Level`; ``None``: no member."""

    @property
    def is_member(self) -> bool:
        """Whether the user is a member of the organization."""
        return self.level is not None


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a personal API key allows: ``request.auth`` of a request made with one."""

    id: str
    mask: str
    scopes: frozenset[str]
    teams: frozenset[int]
    """Ids of the only projects it may reach; empty: no limit."""
    organizations: frozenset[str]
    """Ids of the only organizations it may reach; empty: no limit."""
    last_used_at: datetime | None
    access: Access | None
    """The project that the request names, if it names one that exists."""


def reference(request: APIRequest, path: Mapping[str, Any]) -> ProjectReference | None:
    """Return how the request names a project, ``None`` on a route without one. Raises what is wrong with the body."""
    named = next((str(path[name]) for name in PATH_NAMES if name in path), None)
    if named is None:
        return None
    if token := find_project_token(request):
        return ProjectReference("token", token)
    if named == "@current":
        return ProjectReference("current")
    if _NUMBER.match(named) and int(named) <= _LARGEST_ID:
        return ProjectReference("id", int(named))
    return ProjectReference("impossible")


def readable_reference(request: APIRequest, path: Mapping[str, Any]) -> ProjectReference | None:
    """Return the same, ``None`` where the body is unreadable: whoever asks then is not to hear of it yet."""
    try:
        return reference(request, path)
    except APIException:
        return None


# LEFT JOINs: a key is known whether the project is or not. The condition on the project is one of _CONDITIONS.
_PROJECT: Final = """
    LEFT JOIN environments_project project ON {condition}
    LEFT JOIN environments_membership membership
      ON membership.organization_id = project.organization_id AND membership.user_id = person.id
"""
_PROJECT_COLUMNS: Final = "project.id, project.organization_id, project.name, membership.level"
_CONDITIONS: Final = {
    "id": "project.id = %(project)s AND project.deleted_at IS NULL",
    "current": "project.id = person.current_project_id AND project.deleted_at IS NULL",
    "token": "project.api_token = %(project)s AND project.deleted_at IS NULL",
    "impossible": "FALSE",
}


def _by_condition(query: str) -> dict[str, str]:
    """Return the text of ``query`` for each way to name a project."""
    return {
        kind: query.format(columns=_PROJECT_COLUMNS, project=_PROJECT.format(condition=condition))
        for kind, condition in _CONDITIONS.items()
    }


_KEY_QUERY: Final = _by_condition(
    """
    SELECT key.id, key.mask_value, key.scopes, key.scoped_teams, key.scoped_organizations, key.last_used_at,
           person.id, person.email, person.is_active, person.current_project_id, {columns}
    FROM environments_personalapikey key
    JOIN environments_user person ON person.id = key.user_id
    {project}
    WHERE key.secure_value = %(secure_value)s AND person.is_active
      AND (key.expires_at IS NULL OR key.expires_at > %(now)s)
    """
)
_USER_QUERY: Final = _by_condition(
    "SELECT {columns} FROM environments_user person {project} WHERE person.id = %(user)s"
)
_USER_FIELDS: Final = ("id", "email", "is_active", "current_project_id")
_PROJECT_FIELDS: Final = ("id", "organization_id", "name")


def _row(query: Mapping[str, str], wanted: ProjectReference | None, **parameters: Any) -> Any:
    wanted = wanted or ProjectReference("impossible")
    value = wanted.value
    if isinstance(value, str) and not _may_be_token(value):
        wanted, value = ProjectReference("impossible"), None
    with sql.cursor(prepared=True) as cursor:
        return cursor.execute(query[wanted.kind], {**parameters, "project": value}).fetchone()


def _may_be_token(text: str) -> bool:
    # PostgreSQL takes neither NUL nor lone surrogates, and no token of ours holds anything but these.
    return text.isascii() and text.isprintable()


def _access(columns: tuple[int | None, UUID, str, int | None]) -> Access | None:
    if columns[0] is None:
        return None
    return Access(Project.from_db("default", _PROJECT_FIELDS, columns[:3]), columns[3])


def by_key(secure_value: str, wanted: ProjectReference | None) -> tuple[User, KeyGrant] | None:
    """Return the active user and the grant of the key with this hash; ``None`` where there is none, or it expired."""
    row = _row(_KEY_QUERY, wanted, secure_value=secure_value, now=clock.now())
    if row is None:
        return None
    key_id, mask, scopes, teams, organizations, last_used_at = row[:6]
    grant = KeyGrant(
        id=key_id,
        mask=mask,
        scopes=frozenset(scopes or ()),
        teams=frozenset(teams or ()),
        organizations=frozenset(text.lower() for text in organizations or ()),
        last_used_at=last_used_at,
        access=_access(row[10:]),
    )
    return User.from_db("default", _USER_FIELDS, row[6:10]), grant


def resolve(request: APIRequest, path: Mapping[str, Any]) -> Access | None:
    """Return the project of the request's path or token, ``None`` on a route without one.

    Raises ``ProjectNotFound``, for an unknown token ``AuthenticationFailed``, and what is wrong with the body.
    """
    if isinstance(request.auth, KeyGrant) and request.auth.access is not None:
        return request.auth.access  # the query for the key has brought it along
    wanted = reference(request, path)
    if wanted is None:
        return None
    row = None if isinstance(request.auth, KeyGrant) else _row(_USER_QUERY, wanted, user=request.user.pk)
    if row and (found := _access(row)):
        return found
    raise AuthenticationFailed if wanted.kind == "token" else ProjectNotFound
