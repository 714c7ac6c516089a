"""The user who asks: what SDKs, posthog-cli and agents read first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.organizations import OrganizationBasicSerializer, OrganizationSerializer, organizations_of
from environments.api.organizations_access import AccountViewSet, membership_in
from environments.api.organizations_members import UserBasicSerializer
from environments.api.projects_shapes import LARGEST, ProjectSerializer
from environments.api.requests import APIRequest
from environments.models import Project, User


class UserSerializer(UserBasicSerializer):
    """The user who asks, with the organizations and the current project."""

    date_joined = serializers.DateTimeField(help_text="When the user was made.")
    is_staff = serializers.BooleanField(help_text="Whether the user may open the admin.")
    has_password = serializers.BooleanField(help_text="Whether the user can log in with a password.")
    team = ProjectSerializer(
        allow_null=True, help_text="The current project, which `@current` means; null where there is none."
    )
    organization = OrganizationSerializer(
        allow_null=True, help_text="The organization of the current project, else the first joined; null for none."
    )
    organizations = OrganizationBasicSerializer(many=True, help_text="All organizations, in the order of joining.")
    scoped_teams = serializers.ListField(
        child=serializers.IntegerField(), help_text="The only projects that the key reaches. Empty: no limit."
    )
    scoped_organizations = serializers.ListField(
        child=serializers.CharField(), help_text="The only organizations that the key reaches. Empty: no limit."
    )


class UserUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of the user. A field that is absent keeps its value."""

    first_name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="Another first name; may be empty."
    )
    last_name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="Another last name; may be empty."
    )
    set_current_team = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST, help_text="The id of the project that `@current` is to mean."
    )
    set_current_organization = serializers.UUIDField(
        required=False, help_text="The id of an organization: its oldest project becomes the current one."
    )


_OWN: Final = ("id", "email", "first_name", "last_name", "date_joined", "is_staff")


class UserViewSet(AccountViewSet):
    """The user who asks."""

    serializer_class = UserSerializer
    scope_object = "user"
    scopes = {"retrieve": "user:read", "partial_update": "user:write"}
    open_to_limited_keys = True  # as upstream: a limited key, too, may ask who it is

    @extend_schema(responses={200: UserSerializer})
    def retrieve(self, request: APIRequest, uuid: str, **path: str) -> HttpResponse:
        """Return the user who asks: `@me`, or its own id. A limited key sees what lies within its limits."""
        self._must_be_own(uuid)
        return self.shown(self._user(User.objects.all()))

    @extend_schema(request=UserUpdateRequestSerializer, responses={200: UserSerializer})
    def partial_update(self, request: APIRequest, uuid: str, **path: str) -> HttpResponse:
        """Change one's name, or the current project."""
        fields = self.checked(UserUpdateRequestSerializer)
        self._must_be_own(uuid)
        with transaction.atomic():
            # The project first, as whoever deletes one does: each of the two waits for the other.
            values: dict[str, Any] = {name: fields[name] for name in ("first_name", "last_name") if name in fields}
            if "set_current_organization" in fields:
                values["current_project_id"] = self._first_project(str(fields["set_current_organization"]))
            if "set_current_team" in fields:
                values["current_project_id"] = self._project(fields["set_current_team"])
            user = self._user(User.objects.select_for_update(no_key=True))
            before = _audited(user)
            for name, value in values.items():
                setattr(user, name, value)
            if _audited(user) != before:
                user.save(update_fields=[name.removesuffix("_id") for name in values])
                self.audit(user.pk, before, _audited(user))
        return self.shown(user)

    def _must_be_own(self, uuid: str) -> None:
        if uuid != "@me" and inputs.uuid_in_path(uuid) != self.user.pk:
            raise Http404

    def _user(self, users: QuerySet[User]) -> User:
        found = users.filter(pk=self.user.pk).first()
        if found is None:  # deleted just now
            raise NotAuthenticated
        return found

    def shown(self, instance: User, status: int = 200) -> HttpResponse:
        """Return the user with what belongs to it, within the limits of the key."""
        teams = sorted(self.grant.teams) if self.grant else []
        limits = sorted(self.grant.organizations) if self.grant else []
        found = [row for row in organizations_of(instance) if not limits or str(row.pk) in limits]
        current = [(row, project) for row in found for project in row.projects.all()]
        current = [pair for pair in current if pair[1].pk == instance.current_project_id]
        organization, team = current[0] if current else (found[0] if found else None, None)
        me = SimpleNamespace(
            **{name: getattr(instance, name) for name in _OWN},
            has_password=instance.has_usable_password(),
            team=team if team and (not teams or team.pk in teams) else None,
            organization=organization,
            organizations=found,
            scoped_teams=teams,
            scoped_organizations=limits,
        )
        return super().shown(me, status)

    def _project(self, project_id: int) -> int:
        mine = Project.objects.filter(organization__memberships__user=self.user)
        if not _lives(self._within(mine).filter(pk=project_id)):
            raise FieldError("set_current_team", "Project not found.", "does_not_exist")
        return project_id

    def _first_project(self, organization_id: str) -> int:
        membership = membership_in(self.user, organization_id)
        limits = self.grant.organizations if self.grant else ()
        if membership is None or (limits and organization_id not in limits):
            raise FieldError("set_current_organization", "Organization not found.", "does_not_exist")
        projects = Project.objects.filter(organization_id=membership.organization_id)
        first = _lives(self._within(projects).order_by("id"))
        if first is None:
            raise FieldError("set_current_organization", "The organization has no project.", "does_not_exist")
        return first.pk

    def _within(self, projects: QuerySet[Project]) -> QuerySet[Project]:
        """Return those of the projects that a limited key may know of."""
        if self.grant and self.grant.teams:
            projects = projects.filter(pk__in=self.grant.teams)
        if self.grant and self.grant.organizations:
            projects = projects.filter(organization_id__in=self.grant.organizations)
        return projects


def _lives(projects: QuerySet[Project]) -> Project | None:
    """Return the first of the projects that nobody has deleted; until the transaction ends nobody does."""
    return projects.select_for_update(of=("self",), no_key=True).first()


def _audited(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in ("first_name", "last_name", "current_project_id")}
