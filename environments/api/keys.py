"""Personal API keys: made, changed, rolled and revoked by people with a session. A key may only look at itself."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.response import Response

from environments import clock
from environments import scopes as known_scopes
from environments.api.access import KeyGrant
from environments.api.organizations_access import AccountViewSet
from environments.api.permissions import UNSUPPORTED
from environments.api.projects_shapes import LARGEST
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import no_content
from environments.models import Membership, PersonalAPIKey, Project
from environments.models.keys import MAX_KEYS_PER_USER, TooManyKeys

CURRENT: Final = "@current"
MAX_LIMITS: Final = 1_000
"""Projects or organizations that one key can be limited to: far more than a person names, and a bound for the row."""

_TOO_MANY: Final = (
    f"You can only have {MAX_KEYS_PER_USER} personal API keys. Remove an existing key before creating a new one."
)
_AUDITED: Final = ("label", "scopes", "scoped_teams", "scoped_organizations", "expires_at")


class PersonalAPIKeySerializer(serializers.Serializer[PersonalAPIKey]):
    """A personal API key. Its value is in the answers that made or rolled it, and nowhere else."""

    id = serializers.CharField(help_text="The key's id, given by the server.")
    label = serializers.CharField(help_text="What its owner calls it.")  # type: ignore[assignment]
    value = serializers.CharField(
        source="shown_once", allow_null=True, default=None, help_text="The key itself, `phx_…`: shown once, then null."
    )
    mask_value = serializers.CharField(help_text="The first and last four characters of the value.")
    created_at = serializers.DateTimeField(help_text="When the key was made.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Exact to an hour; null: never.")
    last_rolled_at = serializers.DateTimeField(
        allow_null=True, help_text="When it got its present value; null: at first."
    )
    expires_at = serializers.DateTimeField(allow_null=True, help_text="From when on it is refused; null: never.")
    user_id = serializers.UUIDField(help_text="The id of the user for whom it acts.")
    scopes = serializers.SerializerMethodField(help_text="What it may do; `*` is everything, write includes read.")
    scoped_teams = serializers.SerializerMethodField(help_text="The only projects that it reaches. Empty: no limit.")
    scoped_organizations = serializers.SerializerMethodField(
        help_text="The only organizations that it reaches. Empty: no limit."
    )

    def get_scopes(self, key: PersonalAPIKey) -> list[str]:
        """Return the scopes, none for a key that has none."""
        return key.scopes or []

    def get_scoped_teams(self, key: PersonalAPIKey) -> list[int]:
        """Return the ids as a list, where null and empty mean the same."""
        return key.scoped_teams or []

    def get_scoped_organizations(self, key: PersonalAPIKey) -> list[str]:
        """Return the ids as a list, where null and empty mean the same."""
        return key.scoped_organizations or []


class PersonalAPIKeyCreateRequestSerializer(serializers.Serializer[Any]):
    """A new key."""

    label = serializers.CharField(max_length=40, help_text="What to call it.")  # type: ignore[assignment]
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=100,
        help_text="What it may do, such as `error_tracking:read`; at least one. `*` is everything.",
    )
    scoped_teams = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST),
        max_length=MAX_LIMITS,
        required=False,
        allow_null=True,
        help_text="The ids of the only projects that it may reach. Empty or null: all of yours.",
    )
    scoped_organizations = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=MAX_LIMITS,
        required=False,
        allow_null=True,
        help_text="The ids of the only organizations that it may reach. Empty or null: all of yours.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="From when on it is refused, in the future; null: never."
    )

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """Return the scopes once each, or raise which one there is not."""
        try:
            return known_scopes.validate(scopes)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate_scoped_teams(self, teams: list[int] | None) -> list[int] | None:
        """Return the ids of projects of the user, or raise that one is none."""
        wanted = set(teams or ())
        user = self.context["request"].user
        mine = Project.objects.filter(pk__in=wanted, organization__memberships__user_id=user.pk)
        if mine.count() != len(wanted):
            raise serializers.ValidationError("You must be a member of all teams that you are scoping the key to.")
        return sorted(wanted) or None

    def validate_scoped_organizations(self, organizations: list[str] | None) -> list[str] | None:
        """Return the ids of organizations of the user, or raise that one is none."""
        try:
            wanted = {UUID(text) for text in organizations or ()}
        except ValueError as error:
            raise serializers.ValidationError("Invalid organization UUID") from error
        user = self.context["request"].user
        if Membership.objects.filter(user_id=user.pk, organization_id__in=wanted).count() != len(wanted):
            raise serializers.ValidationError(
                "You must be a member of all organizations that you are scoping the key to."
            )
        return sorted(map(str, wanted)) or None

    def validate_expires_at(self, moment: Any) -> Any:
        """Return the end, or raise that it has passed."""
        if moment is not None and moment <= clock.now():
            raise serializers.ValidationError("Must be in the future.")
        return moment


class PersonalAPIKeyUpdateRequestSerializer(PersonalAPIKeyCreateRequestSerializer):
    """Changes of a key. A field that is absent keeps its value."""

    label = serializers.CharField(max_length=40, required=False, help_text="Another label for it.")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=100,
        required=False,
        help_text="What it may do instead; at least one. `*` is everything.",
    )


class KeyAccess(BasePermission):
    """Sessions may do everything with their own keys; a key may only look at itself, whatever its scopes and limits.

    A key that could make or roll keys could give itself any scope.
    """

    def has_permission(self, request: APIRequest, view: Any) -> bool:  # type: ignore[override]
        """Return true or raise the refusal."""
        if request.user is None:
            raise NotAuthenticated
        itself = view.action == "retrieve" and view.kwargs.get("id") == CURRENT
        if isinstance(request.auth, KeyGrant) and view.action is not None and not itself:
            raise PermissionDenied(UNSUPPORTED)
        return True


class PersonalAPIKeyViewSet(AccountViewSet):
    """One's own personal API keys."""

    permission_classes = (KeyAccess,)
    serializer_class = PersonalAPIKeySerializer
    pagination_class = None  # a user has ten at most; upstream's list is no page either
    scope_object = "personal_api_key"
    parameter_texts = {"id": "The key's id, or `@current`: with a key, itself. An unknown one is answered with 404."}

    def get_queryset(self) -> QuerySet[PersonalAPIKey]:
        """Return the user's keys, the newest first."""
        return PersonalAPIKey.objects.filter(user=self.user).order_by("-created_at", "id")

    @extend_schema(responses={200: PersonalAPIKeySerializer(many=True)})
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one's own keys, the newest first; for sessions."""
        return json_response(self.get_serializer(self.get_queryset(), many=True).data)

    @extend_schema(responses={200: PersonalAPIKeySerializer})
    def retrieve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one of one's own keys. With `@current` a key is told its own scopes, limits and end."""
        if id == CURRENT:
            if self.grant is None:
                raise Http404
            found = PersonalAPIKey.objects.filter(pk=self.grant.id).first()
            if found is None:  # revoked just now
                raise AuthenticationFailed
            return self.shown(found)
        return self.shown(self._one(self.get_queryset(), id))

    @extend_schema(request=PersonalAPIKeyCreateRequestSerializer, responses={201: PersonalAPIKeySerializer})
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Make a key; for sessions. Its value is in this answer only."""
        fields = self.checked(PersonalAPIKeyCreateRequestSerializer)
        user = self.user
        with transaction.atomic():
            try:
                PersonalAPIKey.objects.check_room(user)
            except TooManyKeys as error:
                raise ValidationError(_TOO_MANY) from error
            key, value = PersonalAPIKey.objects.issue(user, fields.pop("label"), fields.pop("scopes"), **fields)
            self.audit(key.pk, None, _audited(key))
        return self._with_value(key, value, 201)

    @extend_schema(request=PersonalAPIKeyUpdateRequestSerializer, responses={200: PersonalAPIKeySerializer})
    def partial_update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Change a key's label, scopes, limits or end; for sessions. Its value stays."""
        fields = self.checked(PersonalAPIKeyUpdateRequestSerializer)
        with transaction.atomic():
            key = self._one(self.get_queryset().select_for_update(), id)
            before = _audited(key)
            for name, value in fields.items():
                setattr(key, name, value)
            if _audited(key) != before:
                key.save(update_fields=list(fields))
                self.audit(key.pk, before, _audited(key))
        return self.shown(key)

    @extend_schema(responses={204: None})
    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete a key; for sessions. It is refused from now on."""
        with transaction.atomic():
            key = self._one(self.get_queryset().select_for_update(), id)
            self.audit(key.pk, _audited(key), None)
            key.delete()
        return no_content()

    @extend_schema(request=None, responses={200: PersonalAPIKeySerializer})
    @action(detail=True, methods=["post"])
    def roll(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Give a key a new value, which is in this answer only; for sessions. The old one stops at once."""
        with transaction.atomic():
            key = self._one(self.get_queryset().select_for_update(), id)
            before = key.mask_value
            value = key.roll()
            self.audit(key.pk, {"mask_value": before}, {"mask_value": key.mask_value})
        return self._with_value(key, value)

    def _one(self, keys: QuerySet[PersonalAPIKey], id: str) -> PersonalAPIKey:
        # PostgreSQL takes no NUL, and no id of ours holds anything but letters and digits.
        found = keys.filter(pk=id).first() if id.isascii() and id.isalnum() else None
        if found is None:
            raise Http404
        return found

    def _with_value(self, key: PersonalAPIKey, value: str, status: int = 200) -> HttpResponse:
        key.shown_once = value  # type: ignore[attr-defined]
        return self.shown(key, status)


def _audited(key: PersonalAPIKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _AUDITED}
