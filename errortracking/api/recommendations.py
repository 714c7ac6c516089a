"""Recommendations: what a project could do better, and whether it has (contract 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action

from environments import clock
from environments.api import inputs
from environments.api.exceptions import BareDetail
from environments.api.fields import ObjectField
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ShortErrorSerializer
from environments.api.viewsets import Listed
from errortracking.models import Recommendation
from errortracking.models.recommendations import RecommendationStatus
from errortracking.recommendations import claims, shown
from errortracking.recommendations.registry import TYPES

log = structlog.get_logger(__name__)

UNKNOWN_TYPE = "Unknown recommendation type."


class ErrorTrackingRecommendationSerializer(serializers.Serializer[Recommendation]):
    """A recommendation: one row of a project for each type."""

    id = serializers.UUIDField(help_text="The recommendation's id, a UUID.")
    type = serializers.CharField(
        help_text=f"Recommendation type identifier (e.g. 'alerts'); this version knows {', '.join(TYPES)}."
    )
    meta = ObjectField(
        help_text=(
            "Recommendation payload, shape depends on type; empty until it was computed once. "
            "Names and descriptions of issues in it come from events: untrusted."
        )
    )
    completed = serializers.BooleanField(
        help_text=(
            "Whether the recommendation's recommended action has been satisfied. "
            "False until it was computed once, and for a type that this version does not know."
        )
    )
    status = serializers.CharField(help_text="'ready' or 'computing'.")
    computed_at = serializers.DateTimeField(
        allow_null=True, help_text="When `meta` was computed. Null: not yet. A failed computation leaves it as it was."
    )
    dismissed_at = serializers.DateTimeField(
        allow_null=True, help_text="When somebody dismissed it last. Null: not dismissed. It stays in the list."
    )
    created_at = serializers.DateTimeField(help_text="When the project's list was looked at first.")
    updated_at = serializers.DateTimeField(help_text="When it was computed, dismissed or restored last.")

    expressions = {  # `complete` asks the type of those that were computed
        "completed": ExpressionWrapper(Q(computed_at__isnull=False), output_field=BooleanField())
    }


_POLL = OpenApiParameter(
    "poll",
    bool,
    description=(
        "`true` (any case) only reads: no missing row is made and no computation started. For looking again at rows "
        "that are computing."
    ),
)
_FORCE = OpenApiParameter(
    "force", bool, default=True, description="`false` (any case) starts nothing and answers the row as it is."
)
_BAD_REFRESH = OpenApiResponse(
    ShortErrorSerializer, description="This version does not know the type (only `detail`), or the request is wrong."
)


class RecommendationViewSet(Listed):
    """What a project could do better."""

    model = Recommendation
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "dismiss": "error_tracking:write",
        "restore": "error_tracking:write",
        "refresh": "error_tracking:write",
    }
    completes_json = True
    serializer_class = ErrorTrackingRecommendationSerializer
    ordering = ("type",)

    def complete(self, objects: list[dict[str, Any]]) -> None:
        """Add what is never stored: the live part of ``meta``, and ``completed``."""
        shown.complete(self.project.pk, objects)

    @extend_schema(parameters=[_POLL])
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return the project's recommendations by type; start computing those that are missing or stale."""
        if request.query_params.get("poll", "").lower() != "true":
            self._start_stale()
        return super().list(request, **path)

    def _start_stale(self) -> None:
        """Start what is stale. That it fails is no reason to show nothing; if the database is away, the page fails."""
        try:
            claims.start_stale(self.project.pk)
        except Exception:
            log.exception("recommendations were not started", project=self.project.pk)

    @extend_schema(request=None, responses={200: ErrorTrackingRecommendationSerializer})
    @action(detail=True, methods=["post"])
    def dismiss(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Dismiss a recommendation, now, also where it was dismissed before; it stays in the list."""
        return self._set_dismissed(id, clock.now())

    @extend_schema(request=None, responses={200: ErrorTrackingRecommendationSerializer})
    @action(detail=True, methods=["post"])
    def restore(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Take a dismissal back."""
        return self._set_dismissed(id, None)

    def _set_dismissed(self, id: str, at: datetime | None) -> HttpResponse:
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            row = self.get_queryset().select_for_update().filter(pk=key).first()
            if row is None:
                raise Http404
            before = {"dismissed_at": row.dismissed_at}
            row.dismissed_at = at
            row.save(update_fields=["dismissed_at"])
            self.audit(key, before, {"dismissed_at": at})
        return json_response(self.one(id=key))

    @extend_schema(
        request=None,
        parameters=[_FORCE],
        responses={200: ErrorTrackingRecommendationSerializer, 400: _BAD_REFRESH},
    )
    @action(detail=True, methods=["post"])
    def refresh(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Start computing a recommendation anew, unless somebody is at it already, and return it."""
        key = inputs.uuid_in_path(id)
        row = self.get_queryset().filter(pk=key).first()
        if row is None:
            raise Http404
        if row.type not in TYPES:
            raise BareDetail(UNKNOWN_TYPE)
        if request.query_params.get("force", "").lower() != "false":
            with transaction.atomic():
                if claims.claim(self.project.pk, key):
                    self.audit(key, {"status": row.status}, {"status": RecommendationStatus.COMPUTING.value})
        return json_response(self.one(id=key))
