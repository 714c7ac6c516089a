"""Organizations, as SDKs and agents read them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from environments import deletion_organizations
from environments.api.organizations_access import UNKNOWN, AccountViewSet, OrganizationViewSet
from environments.api.projects_shapes import ProjectSerializer
from environments.api.requests import APIRequest
from environments.api.viewsets import no_content
from environments.models import Membership, Organization, Project, User


class OrganizationBasicSerializer(serializers.Serializer[Organization]):
    """An organization: a group of people that owns projects."""

    id = serializers.UUIDField(help_text="The organization's id, given by the server.")
    name = serializers.CharField(help_text="What the organization is called.")
    created_at = serializers.DateTimeField(help_text="When the organization was made.")
    membership_level = serializers.IntegerField(help_text="Your own level in it: 1 member, 8 administrator, 15 owner.")


class OrganizationSerializer(OrganizationBasicSerializer):
    """An organization with its projects."""

    teams = ProjectSerializer(source="projects.all", many=True, help_text="Its projects, under their older name.")
    projects = ProjectSerializer(source="projects.all", many=True, help_text="Its projects, oldest first.")


def organizations_of(user: User) -> QuerySet[Organization]:
    """Return the organizations of a user, in the order of joining, with level and projects."""
    mine = Membership.objects.filter(organization_id=OuterRef("pk"), user_id=user.pk)
    return (
        Organization.objects.filter(memberships__user_id=user.pk)
        .annotate(membership_level=Subquery(mine.values("level")))
        .order_by("memberships__joined_at", "id")
        .prefetch_related(Prefetch("projects", Project.objects.order_by("id")))
    )


class OrganizationListViewSet(AccountViewSet):
    """The user's organizations."""

    serializer_class = OrganizationSerializer
    scope_object = "organization"
    scopes = {"list": "organization:read"}

    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of your organizations; of a limited key, those within its limits."""
        found = organizations_of(self.user)
        if self.grant and self.grant.organizations:
            found = found.filter(pk__in=self.grant.organizations)
        return self.page(found)


class OrganizationDetailViewSet(OrganizationViewSet):
    """One organization, by its id or `@current`."""

    serializer_class = OrganizationSerializer
    scope_object = "organization"
    scopes = {"retrieve": "organization:read", "destroy": "organization:write"}
    levels = {"destroy": Membership.Level.OWNER}
    organization_name = "id"
    parameter_texts = {"id": "The organization's id, or `@current` for that of your current project."}

    @extend_schema(responses={200: OrganizationSerializer})
    def retrieve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one organization; 404 for one that you do not belong to."""
        found = organizations_of(self.user).filter(pk=self.organization.pk).first()
        if found is None:  # left, or deleted, just now
            raise NotFound(UNKNOWN)
        return self.shown(found)

    @extend_schema(responses={204: None})
    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete an organization with all its projects; for its owners.

        It and its projects are gone at once, and their tokens are refused. What is in them is deleted in the
        background. The record of changes stays.
        """
        with transaction.atomic():
            found = self.lock()
            deletion_organizations.request(found)
            self.audit(found.pk, {"name": found.name}, None)
        return no_content()
