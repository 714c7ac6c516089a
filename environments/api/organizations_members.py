"""Who belongs to an organization, and what each may do there."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.response import Response

from environments.api import inputs
from environments.api.organizations_access import OrganizationViewSet
from environments.api.requests import APIRequest
from environments.api.viewsets import no_content
from environments.models import Membership, Organization, Role, User

LEVEL_HELP = "1 member, 8 administrator, 15 owner."


class UserBasicSerializer(serializers.Serializer[User]):
    """A person, as other people see it."""

    id = serializers.UUIDField(help_text="The user's id, given by the server.")
    uuid = serializers.UUIDField(source="id", help_text="The same id, under the name that clients know.")
    distinct_id = serializers.CharField(source="id", help_text="The same id, as a text.")
    first_name = serializers.CharField(help_text="The first name; may be empty.")
    last_name = serializers.CharField(help_text="The last name; may be empty.")
    email = serializers.EmailField(help_text="The address with which the user logs in.")


class OrganizationMemberSerializer(serializers.Serializer[Membership]):
    """One person's membership in the organization."""

    id = serializers.UUIDField(help_text="The membership's id, which no path takes.")
    user = UserBasicSerializer(help_text="Who it is.")
    level = serializers.IntegerField(help_text="What the person may do: " + LEVEL_HELP)
    joined_at = serializers.DateTimeField(help_text="When the person joined.")


class OrganizationMemberUpdateRequestSerializer(serializers.Serializer[Any]):
    """Another level of a member."""

    level = serializers.ChoiceField(choices=Membership.Level.choices, help_text=LEVEL_HELP)


class MemberViewSet(OrganizationViewSet):
    """The members of an organization."""

    serializer_class = OrganizationMemberSerializer
    scope_object = "organization_member"
    scopes = {
        "list": "organization_member:read",
        "partial_update": "organization_member:write",
        "destroy": "organization_member:write",
    }

    def list(self, request: APIRequest, organization_id: str, **path: str) -> HttpResponse:
        """Return one page of the organization's members, in the order of joining."""
        return self.page(self._members().select_related("user").order_by("joined_at", "id"))

    @extend_schema(request=OrganizationMemberUpdateRequestSerializer, responses={200: OrganizationMemberSerializer})
    def partial_update(self, request: APIRequest, organization_id: str, user_uuid: str, **path: str) -> HttpResponse:
        """Change what a member may do; for administrators, up to their own level. Only an owner makes owners."""
        level = int(self.checked(OrganizationMemberUpdateRequestSerializer)["level"])
        with transaction.atomic():
            own, member = self._locked(user_uuid)
            _may_set(own, member, level)
            before = {"level": member.level}
            if level != member.level:
                member.level = level
                member.save(update_fields=["level"])
                self.audit(member.user_id, before, {"level": level})
        return self.shown(member)

    @extend_schema(responses={204: None})
    def destroy(self, request: APIRequest, organization_id: str, user_uuid: str, **path: str) -> Response:
        """Remove a member, or leave (`@me`). Keys and sessions of the person stop reaching the organization at once."""
        with transaction.atomic():
            own, member = self._locked(user_uuid)
            if member.pk != own.pk:
                _may_edit(own, member)
            elif member.level == Membership.Level.OWNER and not self._other_owner(member):
                raise ValidationError("The last owner cannot leave. Make somebody else an owner first.", "last_owner")
            member.delete()
            _forget(member.user, self.organization)
            self.audit(member.user_id, {"email": member.user.email, "level": member.level}, None)
        return no_content()

    def _members(self) -> QuerySet[Membership]:
        return Membership.objects.filter(organization=self.organization)

    def _locked(self, user_uuid: str) -> tuple[Membership, Membership]:
        """Return one's own membership and the one of the path, after locking the organization: one change at a time."""
        self.lock()
        own = self._members().select_related("user").filter(user=self.user).first()
        wanted = self.user.pk if user_uuid == "@me" else inputs.uuid_in_path(user_uuid)
        member = self._members().select_related("user").filter(user_id=wanted).first()
        if own is None or member is None:
            raise Http404
        return own, member

    def _other_owner(self, owner: Membership) -> bool:
        return self._members().filter(level=Membership.Level.OWNER).exclude(pk=owner.pk).exists()


def _may_set(own: Membership, member: Membership, level: int) -> None:
    """Raise ``PermissionDenied`` where the level is not one's to give; the texts are upstream's."""
    if member.pk == own.pk:
        raise PermissionDenied("You can't change your own access level.")
    if level == Membership.Level.OWNER and own.level != Membership.Level.OWNER:
        raise PermissionDenied("You can only make another member owner if you're this organization's owner.")
    if level > own.level:
        raise PermissionDenied("You can only change access level of others to lower or equal to your current one.")
    _may_edit(own, member)


def _may_edit(own: Membership, member: Membership) -> None:
    if own.level < Membership.Level.ADMIN:
        raise PermissionDenied("You can only edit others if you are an admin.")
    if member.level > own.level:
        raise PermissionDenied("You can only edit others with level lower or equal to you.")


def _forget(user: User, organization: Organization) -> None:
    """Take from a person what hangs on having been a member."""
    User.objects.filter(pk=user.pk, current_project__organization_id=organization.pk).update(current_project=None)
    for role in Role.objects.filter(organization=organization, members=user):
        role.members.remove(user)
