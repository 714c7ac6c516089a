"""Projects: list, make, change, delete. Under ``/api/environments/`` the same ones can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.response import Response

from environments import deletion
from environments.api.exceptions import FieldError, ProjectNotFound
from environments.api.organizations_access import (
    LOW_LEVEL,
    AccountViewSet,
    OrganizationViewSet,
    check_organization,
    membership_in,
)
from environments.api.permissions import ProjectAccess
from environments.api.projects_shapes import (
    ProjectCreateRequestSerializer,
    ProjectSerializer,
    ProjectUpdateRequestSerializer,
)
from environments.api.requests import APIRequest
from environments.api.viewsets import no_content
from environments.models import Membership, Organization, Project, User

_NAME_CONSTRAINT: Final = "unique_living_project_name_per_organization"
_INSUFFICIENT: Final = "You don't have sufficient permissions in the project."
_AUDITED: Final = ("name", "timezone", "max_event_age_days")
_CREATE: Final = extend_schema(request=ProjectCreateRequestSerializer, responses={201: ProjectSerializer})


class _Made(AccountViewSet):
    """What lists of projects have in common: making another one."""

    serializer_class = ProjectSerializer
    scope_object = "project"
    scopes = {"list": "project:read", "create": "project:write"}
    _made: int = 0

    def make(self, organization: Organization) -> HttpResponse:
        """Make the project that the body describes."""
        fields = self.checked(ProjectCreateRequestSerializer)
        with _name_may_be_taken(), transaction.atomic():
            project = Project.objects.create(organization=organization, **fields)
            self._made = project.pk
            self.audit(project.pk, None, _audited(project))
            without = User.objects.filter(pk=self.user.pk, current_project=None)
            without.update(current_project=project)
        return self.shown(project, 201)

    def audited_project(self) -> int:
        """Return the project that was made."""
        return self._made


class ProjectsViewSet(_Made):
    """The projects of all organizations of the user."""

    open_to_limited_keys = True

    def get_queryset(self) -> QuerySet[Project]:
        """Return the projects that the user, and the key, may reach."""
        mine = Membership.objects.filter(user=self.user).values("organization_id")
        projects = Project.objects.filter(organization_id__in=mine).order_by("id")
        if self.grant and self.grant.teams:
            projects = projects.filter(pk__in=self.grant.teams)
        if self.grant and self.grant.organizations:
            projects = projects.filter(organization_id__in=self.grant.organizations)
        return projects

    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of the projects of all your organizations; of a limited key, those within its limits."""
        return self.page(self.get_queryset())

    @_CREATE
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Make a project in your current organization; for its administrators and owners."""
        membership = membership_in(self.user, "@current")
        if membership is None:
            raise NotFound("Organization not found.")
        if self.grant:
            if self.grant.teams:
                raise PermissionDenied("API keys with scoped projects cannot create projects.")
            check_organization(self.grant, membership.organization_id)
        if membership.level < Membership.Level.ADMIN:
            raise PermissionDenied(LOW_LEVEL)
        return self.make(membership.organization)


class OrganizationProjectsViewSet(_Made, OrganizationViewSet):
    """The projects of one organization."""

    levels = {"create": Membership.Level.ADMIN}

    def list(self, request: APIRequest, organization_id: str, **path: str) -> HttpResponse:
        """Return one page of the organization's projects."""
        return self.page(Project.objects.filter(organization=self.organization).order_by("id"))

    @_CREATE
    def create(self, request: APIRequest, organization_id: str, **path: str) -> HttpResponse:
        """Make a project in the organization; for its administrators and owners."""
        return self.make(self.organization)


class ProjectDetailViewSet(AccountViewSet):
    """One project, by its id or `@current`."""

    permission_classes = (ProjectAccess,)
    serializer_class = ProjectSerializer
    scope_object = "project"
    scopes = {"retrieve": "project:read", "partial_update": "project:write", "destroy": "project:write"}
    project: Project
    """With its id, organization and name only, as `ProjectAccess` has found it."""
    level: int

    def audited_project(self) -> int:
        """Return the project of the path."""
        return self.project.pk

    def retrieve(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one project."""
        return self.shown(self._row(Project.objects.all()))

    @extend_schema(request=ProjectUpdateRequestSerializer, responses={200: ProjectSerializer})
    def partial_update(self, request: APIRequest, **path: str) -> HttpResponse:
        """Change a project. How long events are kept is for administrators and owners: it deletes events."""
        fields = self.checked(ProjectUpdateRequestSerializer)
        if "max_event_age_days" in fields:
            self._needs_admin()
        with _name_may_be_taken(), transaction.atomic():
            project = self._row(Project.objects.select_for_update(no_key=True))
            before = _audited(project)
            for name, value in fields.items():
                setattr(project, name, value)
            if _audited(project) != before:
                project.save(update_fields=list(fields))
                self.audit(project.pk, before, _audited(project))
        return self.shown(project)

    @extend_schema(responses={204: None})
    def destroy(self, request: APIRequest, **path: str) -> Response:
        """Delete a project and everything in it; for administrators and owners.

        It is gone at once, and its token is refused. Its events and issues are deleted in the background. The record of
        changes stays.
        """
        self._needs_admin()
        with transaction.atomic():
            project = self._row(Project.objects.select_for_update(no_key=True))
            deletion.request(project)
            self.audit(project.pk, _audited(project), None)
        return no_content()

    def _row(self, projects: QuerySet[Project]) -> Project:
        found = projects.filter(pk=self.project.pk).first()
        if found is None:
            raise ProjectNotFound
        return found

    def _needs_admin(self) -> None:
        if self.level < Membership.Level.ADMIN:
            raise PermissionDenied(_INSUFFICIENT)


def _audited(project: Project) -> dict[str, Any]:
    return {name: getattr(project, name) for name in _AUDITED}


@contextmanager
def _name_may_be_taken() -> Iterator[None]:
    """Turn the database's refusal into the API's: only it can tell which of two simultaneous requests was first."""
    try:
        yield
    except IntegrityError as error:
        if _NAME_CONSTRAINT not in str(error):
            raise
        raise FieldError("name", "The organization has a project with this name already.", "unique") from error
