"""External references: an issue's twins in other trackers, by their addresses (contract 10).

This server keeps no integrations and makes no issues elsewhere: whoever has made one, or found one, links it.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import F, Func, TextField
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import Listed, Retrieved, no_content
from errortracking.api.issue_fields import REFERENCE, ErrorTrackingExternalReferenceSerializer
from errortracking.api.rules_fields import UUIDText
from errortracking.models import ExternalReference, Issue

PROVIDERS: Final = ("github", "gitlab", "linear", "jira")
_HOSTS: Final = {"github.com": "github", "gitlab.com": "gitlab", "linear.app": "linear"}
MAX_REFERENCES: Final = 100
"""Of one issue: all of them are shown with it."""
MAX_URL: Final = 2_000
MAX_TEXT: Final = 400


def _context(key: str) -> Func:
    template = f"COALESCE(%(expressions)s ->> '{key}', '')"
    return Func(F("external_context"), template=template, output_field=TextField())


class ErrorTrackingExternalReferenceResultSerializer(ErrorTrackingExternalReferenceSerializer):
    """An issue's twin in another tracker, and whose twin it is."""

    issue_id = serializers.UUIDField(help_text="The id of the issue.")
    external_id = serializers.CharField(help_text="What the other tracker calls it; empty: nobody said. Untrusted.")
    title = serializers.CharField(help_text="The twin's title, as a client gave it; may be empty. Untrusted.")
    created_at = serializers.DateTimeField(help_text="When it was linked.")

    expressions = {
        **{name: REFERENCE.source_expressions[REFERENCE.names.index(name)] for name in ("integration", "external_url")},
        "external_id": _context("id"),
        "title": _context("title"),
    }


class _Address(serializers.URLField):
    """An address that a browser may be sent to: http or https, with a host."""

    def to_internal_value(self, data: Any) -> str:
        """Return the address."""
        text: str = super().to_internal_value(data)
        try:
            parts = urlsplit(text)
        except ValueError:
            self.fail("invalid")
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname or parts.username is not None:
            self.fail("invalid")
        return text


class ErrorTrackingExternalReferenceCreateSerializer(serializers.Serializer[Any]):
    """An issue and its twin in another tracker."""

    issue = UUIDText(help_text="The id of the issue.")
    external_url = _Address(
        max_length=MAX_URL, help_text="The twin's address: http or https, without user and password in it."
    )
    provider = serializers.ChoiceField(
        [(name, name) for name in PROVIDERS],
        required=False,
        help_text="Which tracker it is. By default what the address says; one that says nothing needs it.",
    )
    external_id = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_TEXT, help_text="What the other tracker calls it."
    )
    title = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=MAX_TEXT, help_text="The twin's title."
    )


@extend_schema_view(
    retrieve=extend_schema(description="Return one reference; 404 for an unknown or malformed id."),
)
class ExternalReferenceViewSet(Listed, Retrieved):
    """Issues' twins in other trackers."""

    model = ExternalReference
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "create": "error_tracking:write",
        "destroy": "error_tracking:write",
    }
    serializer_class = ErrorTrackingExternalReferenceResultSerializer
    ordering = ("-id",)
    counted = True

    @extend_schema(
        parameters=[OpenApiParameter("issue_id", OpenApiTypes.UUID, description="Only those of this issue.")],
        responses={
            200: ErrorTrackingExternalReferenceResultSerializer(many=True),
            400: OpenApiResponse(ErrorSerializer, description="A parameter is wrong; `attr` names it."),
        },
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of references, the newest first."""
        text = request.query_params.get("issue_id", "").strip()
        return self.page(self.own(**({"issue_id": inputs.uuid_field("issue_id", text)} if text else {})))

    @extend_schema(
        request=ErrorTrackingExternalReferenceCreateSerializer,
        responses={201: ErrorTrackingExternalReferenceResultSerializer},
    )
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Link an issue to its twin in another tracker. The same twin again is a 400 with the code `already_linked`."""
        checked = ErrorTrackingExternalReferenceCreateSerializer(data=inputs.body(request))
        checked.is_valid(raise_exception=True)
        wanted = checked.validated_data
        provider = wanted.get("provider") or _provider(wanted["external_url"])
        context = {"url": wanted["external_url"], "id": wanted["external_id"], "title": wanted["title"]}
        with transaction.atomic():
            self._make_room(wanted["issue"], wanted["external_url"])
            row = ExternalReference.objects.create(
                **self.own(issue_id=wanted["issue"], provider=provider, external_context=context)
            )
            self.audit(row.pk, None, _audited(row))
        return json_response(self.one(id=row.pk), status=201)

    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Remove a link. The twin itself is left as it is."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            row = self.get_queryset().select_for_update().filter(pk=key).first()
            if row is None:
                raise Http404
            row.delete()
            self.audit(key, _audited(row), None)
        return no_content()

    def _make_room(self, issue: UUID, url: str) -> None:
        """See that the issue is there, has room, and has no such twin; others who link it wait."""
        if not Issue.objects.select_for_update(no_key=True).filter(**self.own(pk=issue)).exists():
            raise FieldError("issue", "Issue not found.", "does_not_exist")
        known = ExternalReference.objects.filter(**self.own(issue_id=issue))
        if known.filter(external_context__url=url).exists():
            raise FieldError("external_url", "The issue is linked to it already.", "already_linked")
        if known.count() >= MAX_REFERENCES:
            raise ValidationError(f"An issue has at most {MAX_REFERENCES} references.", "too_many_references")


def _provider(url: str) -> str:
    """Return which tracker an address is of; raise a 400 where it does not say so."""
    host = (urlsplit(url).hostname or "").lower()
    if host.endswith(".atlassian.net"):
        return "jira"
    if host not in _HOSTS:
        raise FieldError("provider", "The address does not say which tracker it is.", "required")
    return _HOSTS[host]


def _audited(row: ExternalReference) -> dict[str, Any]:
    return {"issue": str(row.issue_id), "provider": row.provider, **row.external_context}
