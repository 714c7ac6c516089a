"""Invitations to an organization: a link by which one person joins."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.response import Response

from environments import invitations
from environments.api import inputs
from environments.api.organizations_access import OrganizationViewSet
from environments.api.organizations_members import LEVEL_HELP, UserBasicSerializer
from environments.api.requests import APIRequest
from environments.api.viewsets import no_content
from environments.models import Invitation, Membership, User

MAX_PENDING: Final = 1_000
"""Invitations of one organization: more than it can have people to invite, and a bound for whoever loops."""


class OrganizationInviteSerializer(serializers.Serializer[Invitation]):
    """An invitation that nobody has used yet."""

    id = serializers.UUIDField(help_text="The invitation's id, which is not the secret of its link.")
    target_email = serializers.EmailField(help_text="Who may join with it.")
    first_name = serializers.CharField(help_text="What the form begins with; may be empty.")
    level = serializers.IntegerField(help_text="The level that the person gets: " + LEVEL_HELP)
    is_expired = serializers.BooleanField(help_text="Whether the link is refused: it is good for three days.")
    created_by = UserBasicSerializer(allow_null=True, help_text="Who invites; null where that user is gone.")
    created_at = serializers.DateTimeField(help_text="When the invitation was made.")
    expires_at = serializers.DateTimeField(help_text="From when on the link is refused.")
    emailing_attempt_made = serializers.BooleanField(
        help_text="Whether a mail with another link goes to the address: where the server has a mail server."
    )
    link = serializers.CharField(
        source="shown_once",
        allow_null=True,
        default=None,
        help_text="Where the person sets a password and joins: shown once, then null. Whoever has it may join.",
    )


class OrganizationInviteCreateRequestSerializer(serializers.Serializer[Any]):
    """A new invitation."""

    target_email = serializers.EmailField(max_length=254, help_text="Who may join with it.")
    first_name = serializers.CharField(
        max_length=150, required=False, allow_blank=True, help_text="What the form begins with; may be empty."
    )
    level = serializers.ChoiceField(
        choices=Membership.Level.choices,
        required=False,
        help_text="The level that the person gets, at most your own; by default 1. " + LEVEL_HELP,
    )


class InviteViewSet(OrganizationViewSet):
    """The invitations of an organization; for its administrators and owners."""

    serializer_class = OrganizationInviteSerializer
    scope_object = "organization_member"
    scopes = {
        "list": "organization_member:read",
        "create": "organization_member:write",
        "destroy": "organization_member:write",
    }
    levels = {"create": Membership.Level.ADMIN, "destroy": Membership.Level.ADMIN}

    def list(self, request: APIRequest, organization_id: str, **path: str) -> HttpResponse:
        """Return one page of the invitations that nobody has used, the newest first."""
        return self.page(self._invitations().select_related("created_by").order_by("-created_at", "-id"))

    @extend_schema(request=OrganizationInviteCreateRequestSerializer, responses={201: OrganizationInviteSerializer})
    def create(self, request: APIRequest, organization_id: str, **path: str) -> HttpResponse:
        """Invite a person; for administrators and owners. The link is in this answer only: pass it on yourself.

        Where the server has a mail server, the person gets a mail as well, with a link of its own; not twice within
        five minutes. An earlier invitation of the same address gives way.
        """
        fields = self.checked(OrganizationInviteCreateRequestSerializer)
        email, level = fields["target_email"], int(fields.get("level", Membership.Level.MEMBER))
        if level > self.membership.level:
            raise PermissionDenied("You cannot invite to a higher permission level than your own.")
        if Membership.objects.filter(organization=self.organization, user__email__iexact=email).exists():
            raise ValidationError("A user with this email address already belongs to the organization.")
        with transaction.atomic():
            self.lock()
            if self._invitations().count() >= MAX_PENDING:
                raise ValidationError(f"An organization can have at most {MAX_PENDING} invitations.")
            created_by = User.objects.get(pk=self.user.pk)
            name = fields.get("first_name", "")
            earlier = self._invitations().filter(target_email__iexact=email).first()
            mailed = invitations.is_mailed_now(earlier)
            made, secret = Invitation.objects.issue(
                self.organization,
                email,
                level=level,
                first_name=name,
                created_by=created_by,
                **invitations.mailing(earlier, mailed),
            )
            if mailed:
                invitations.mail_invitation.defer(invitation_id=str(made.pk))
            self.audit(made.pk, None, {"target_email": email, "level": level})
        made.shown_once = invitations.link(secret)  # type: ignore[attr-defined]
        return self.shown(made, 201)

    @extend_schema(responses={204: None})
    def destroy(self, request: APIRequest, organization_id: str, id: str, **path: str) -> Response:
        """Take an invitation back; for administrators and owners. Its link is refused from now on."""
        with transaction.atomic():
            found = self._invitations().select_for_update().filter(pk=inputs.uuid_in_path(id)).first()
            if found is None:
                raise Http404
            self.audit(found.pk, {"target_email": found.target_email, "level": found.level}, None)
            found.delete()
        return no_content()

    def _invitations(self) -> QuerySet[Invitation]:
        return Invitation.objects.filter(organization=self.organization)
