"""Fingerprints: by which text which exceptions belong to which issue (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import Listed, Retrieved, Undeletable
from errortracking.models import Fingerprint

_WRONG: Final = OpenApiResponse(ErrorSerializer, description="A parameter is wrong; `attr` names it.")


class ErrorTrackingFingerprintSerializer(serializers.Serializer[Fingerprint]):
    """One way to recognise an issue's exceptions."""

    id = serializers.UUIDField(help_text="The fingerprint's id.")
    fingerprint = serializers.CharField(
        help_text="Its text: a hash, `custom-rule:` and the id of a grouping rule, or what a client sent: untrusted."
    )
    issue_id = serializers.UUIDField(help_text="The issue that it belongs to now.")
    created_at = serializers.DateTimeField(help_text="When its first exception was processed.")
    first_seen = serializers.DateTimeField(help_text="When its first exception happened.")


@extend_schema_view(
    retrieve=extend_schema(description="Return one fingerprint; 404 for an unknown or malformed id."),
)
class FingerprintViewSet(Listed, Retrieved, Undeletable):
    """By which text which exceptions belong to which issue."""

    model = Fingerprint
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "resolve": "error_tracking:read",
        "destroy": "error_tracking:write",
    }
    serializer_class = ErrorTrackingFingerprintSerializer
    ordering = ("-id",)
    counted = True

    @extend_schema(
        parameters=[OpenApiParameter("issue_id", OpenApiTypes.UUID, description="Only those of this issue.")],
        responses={200: ErrorTrackingFingerprintSerializer(many=True), 400: _WRONG},
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of fingerprints, the newest first."""
        text = request.query_params.get("issue_id", "").strip()
        return self.page(self.own(**({"issue_id": inputs.uuid_field("issue_id", text)} if text else {})))

    @extend_schema(
        parameters=[
            OpenApiParameter("fingerprint", str, required=True, description="The text of a fingerprint, as it is.")
        ],
        responses={200: ErrorTrackingFingerprintSerializer, 400: _WRONG},
    )
    @action(detail=False)
    def resolve(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return the fingerprint with a text, and so the issue that it belongs to now."""
        text: Any = request.query_params.get("fingerprint")
        if not text:
            raise FieldError("fingerprint", "This field is required.", "required")
        return json_response(self.one(fingerprint=inputs.text_field("fingerprint", text)))
