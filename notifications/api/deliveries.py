"""The log of alerts: what was sent where, how it went, and sending it again."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import Listed, Retrieved
from notifications import asking
from notifications.api.fields import AlertDeliverySerializer
from notifications.models import Delivery, DeliveryStatus

_PARAMETERS: Final = [
    OpenApiParameter("destination_id", OpenApiTypes.UUID, description="Only messages to this destination."),
    OpenApiParameter(
        "status",
        {"title": "AlertDeliveryStatusEnum", "type": "string", "enum": list(DeliveryStatus.values)},
        description="Only messages with this status.",
    ),
]


@extend_schema_view(
    retrieve=extend_schema(description="Return one message; 404 for an unknown or malformed id."),
)
class AlertDeliveryViewSet(Listed, Retrieved):
    """Messages to a project's destinations, of the last 30 days."""

    model = Delivery
    scope_object = "error_tracking"
    scopes = {
        **dict.fromkeys(("list", "retrieve"), "error_tracking:read"),
        "replay": "error_tracking:write",
    }
    serializer_class = AlertDeliverySerializer
    ordering = ("-id",)

    @extend_schema(
        parameters=_PARAMETERS,
        responses={
            200: AlertDeliverySerializer(many=True),
            400: OpenApiResponse(ErrorSerializer, description="A parameter is wrong; `attr` names it."),
        },
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of messages, the newest first."""
        wanted: dict[str, Any] = {}
        if destination := request.query_params.get("destination_id", "").strip():
            wanted["destination_id"] = inputs.uuid_field("destination_id", destination)
        if status := request.query_params.get("status", "").strip():
            if status not in DeliveryStatus.values:
                raise FieldError("status", f"Must be one of: {', '.join(DeliveryStatus.values)}.")
            wanted["status"] = status
        return self.page(self.own(**wanted))

    @extend_schema(request=None, responses={202: AlertDeliverySerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Send a message once more, with the same id, and with all retries where it fails."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            before = self.get_queryset().filter(pk=key).values("status").first()
            if before is None or not asking.replay(self.project.pk, key):
                raise Http404
            self.audit(key, before, {"status": DeliveryStatus.PENDING.value})
        return json_response(self.one(id=key), status=202)
