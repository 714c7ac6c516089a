"""What belongs to a person or an organization and to no project: the base viewset and who may do what.

The order is that of contract 1.3: authenticated → action open to keys → organization known → within the key's limits →
scope → level of the membership.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework import generics, serializers, viewsets
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied
from rest_framework.permissions import BasePermission

from environments.api import audit, inputs
from environments.api.access import KeyGrant
from environments.api.pagination import Pagination
from environments.api.permissions import UNSUPPORTED, check_scope
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.views import View
from environments.models import Membership, Organization, Project, User

NO_PROJECT: Final = 0
"""The environment id under which changes are recorded that belong to no project."""

ONLY_PROJECTS: Final = "API keys with scoped projects are only supported on project-based endpoints."
UNKNOWN: Final = "Organization not found."
LOW_LEVEL: Final = "Your organization access level is insufficient."


class AccountAccess(BasePermission):
    """Authenticated → action open to keys → within the key's limits → scope."""

    def has_permission(self, request: APIRequest, view: Any) -> bool:  # type: ignore[override]
        """Return true or raise the refusal. A method without an action passes, for its 405."""
        if request.user is None:
            raise NotAuthenticated
        grant = request.auth if isinstance(request.auth, KeyGrant) else None
        required = view.required_scope() if grant else None
        if grant and view.action is not None and required is None:
            raise PermissionDenied(UNSUPPORTED)
        self.find(request, view)
        if grant:
            self.check_limits(grant, view)
            if required is not None:
                check_scope(grant, required)
        self.check_level(view)
        return True

    def find(self, request: APIRequest, view: Any) -> None:
        """Find what the path names, or raise that it is unknown."""

    def check_limits(self, grant: KeyGrant, view: Any) -> None:
        """Raise ``PermissionDenied`` where the key is limited to what this is not."""
        if grant.teams and not view.open_to_limited_keys:
            raise PermissionDenied(ONLY_PROJECTS)

    def check_level(self, view: Any) -> None:
        """Raise ``PermissionDenied`` where the membership does not suffice."""


class OrganizationAccess(AccountAccess):
    """The same for routes below an organization, which lands in ``view.membership``.

    An organization of others is unknown, like one that does not exist.
    """

    def find(self, request: APIRequest, view: Any) -> None:
        """Find the membership of the user in the organization of the path."""
        membership = membership_in(cast(User, request.user), str(view.kwargs[view.organization_name]))
        if membership is None:
            raise NotFound(UNKNOWN)
        view.membership = membership

    def check_limits(self, grant: KeyGrant, view: Any) -> None:
        """Raise ``PermissionDenied`` where the key is limited to projects, or to other organizations."""
        super().check_limits(grant, view)
        check_organization(grant, view.membership.organization_id)

    def check_level(self, view: Any) -> None:
        """Raise ``PermissionDenied`` where the action needs a higher level."""
        if view.membership.level < view.levels.get(view.action or "", Membership.Level.MEMBER):
            raise PermissionDenied(LOW_LEVEL)


def check_organization(grant: KeyGrant, organization_id: UUID) -> None:
    """Raise ``PermissionDenied`` where the key is limited to other organizations."""
    if grant.organizations and str(organization_id) not in grant.organizations:
        raise PermissionDenied(f"API key does not have access to the requested organization: ID {organization_id}.")


def membership_in(user: User, named: str) -> Membership | None:
    """Return the user's membership in an organization, by its id or ``@current``; ``None`` where there is none."""
    living = Membership.objects.filter(organization__deleted_at__isnull=True)
    memberships = living.filter(user=user).select_related("organization")
    if named != "@current":
        identifier = inputs.uuid_or_none(named)
        return memberships.filter(organization_id=identifier).first() if identifier else None
    current = Project.objects.filter(pk=user.current_project_id or 0).values("organization_id")
    return memberships.filter(organization_id__in=current).first() or memberships.order_by("joined_at", "id").first()


class AccountViewSet(viewsets.ViewSetMixin, View, generics.GenericAPIView[Any]):
    """A resource that belongs to no project."""

    permission_classes: tuple[type[BasePermission], ...] = (AccountAccess,)
    pagination_class: type[Pagination] | None = Pagination

    scope_object: ClassVar[str]
    """What the scopes are of; OPTIONS needs its ``:read``."""
    scopes: ClassVar[Mapping[str, str]] = {}
    """Action → the scope that a key needs for it. An action that is not named here is refused to keys."""
    open_to_limited_keys: ClassVar[bool] = False
    """Whether a key may come here that is limited to projects."""
    action: str | None  # type: ignore[assignment]

    def required_scope(self) -> str | None:
        """Return the scope that a key needs for the action, ``None`` where the action is not open to keys."""
        if self.action == "metadata":
            return f"{self.scope_object}:read"
        return self.scopes.get(self.action or "")

    @property
    def user(self) -> User:
        """Who makes the request."""
        return cast(User, self.request.user)

    @property
    def grant(self) -> KeyGrant | None:
        """What the key of the request allows; ``None``: it is a session's."""
        return self.request.auth if isinstance(self.request.auth, KeyGrant) else None

    def checked(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the fields of the body as ``serializer`` describes them, or raise what is wrong with them."""
        given = serializer(data=self.request.data, context={"request": self.request})
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def shown(self, instance: Any, status: int = 200) -> HttpResponse:
        """Return an object as the API shows it."""
        return json_response(self.get_serializer(instance).data, status)

    def page(self, queryset: QuerySet[Any]) -> HttpResponse:
        """Return the page that the request asks for."""
        paginator: Pagination = self.paginator  # type: ignore[assignment]
        wanted = paginator.wanted(self.request)
        paginator.count = queryset.count()
        found = [] if wanted.start >= paginator.count else queryset[wanted]
        return json_response(paginator.envelope(self.get_serializer(found, many=True).data))

    def audit(self, object_id: object, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Record a change by whoever makes the request; call it in the transaction of the change."""
        audit.record(
            audit.Change(
                audit.actor_of(self.request),
                self.audited_project(),
                self.action or "",
                self.basename or "",
                str(object_id),
                before,
                after,
            )
        )

    def audited_project(self) -> int:
        """Return the project under which changes are recorded."""
        return NO_PROJECT


class OrganizationViewSet(AccountViewSet):
    """A resource of one organization, which the path names."""

    permission_classes = (OrganizationAccess,)
    organization_name: ClassVar[str] = "organization_id"
    """What the organization is called in the path."""
    levels: ClassVar[Mapping[str, int]] = {}
    """Action → the level that it needs; others need membership."""
    membership: Membership
    """The user's own, with its organization; there once permissions have been checked."""

    @property
    def organization(self) -> Organization:
        """The organization of the request."""
        return self.membership.organization

    def lock(self) -> Organization:
        """Return the organization, against other changes until the transaction ends; 404 where it was just deleted."""
        found = Organization.objects.select_for_update(no_key=True).filter(pk=self.organization.pk).first()
        if found is None:
            raise NotFound(UNKNOWN)
        return found
