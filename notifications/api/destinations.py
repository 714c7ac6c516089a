"""Destinations of alerts: where a project's issues and health issues are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.rows import Reader
from environments.api.viewsets import Listed, Retrieved, no_content
from environments.models import Project
from notifications import asking, targets
from notifications.api.fields import (
    AlertDeliverySerializer,
    AlertDestinationCreatedSerializer,
    AlertDestinationCreateRequestSerializer,
    AlertDestinationSerializer,
    AlertDestinationUpdateRequestSerializer,
)
from notifications.changing import MAX_DESTINATIONS, audited, change, secret_for
from notifications.models import Delivery, Destination, DestinationKind

_JSON: Final = "application/json"
_CHANGE: Final = extend_schema(
    request={_JSON: AlertDestinationUpdateRequestSerializer}, responses={200: AlertDestinationSerializer}
)
_LISTS: Final = ("events", "severities", "kinds")
DELIVERIES: Final = Reader(Delivery, AlertDeliverySerializer, ("-id",))


@extend_schema_view(
    list=extend_schema(description="Return one page of the project's destinations, the newest first."),
    retrieve=extend_schema(description="Return one destination; 404 for an unknown or malformed id."),
    update=_CHANGE,
    partial_update=_CHANGE,
)
class AlertDestinationViewSet(Listed, Retrieved):
    """Where a project's alerts go."""

    model = Destination
    scope_object = "error_tracking"
    scopes = {
        **dict.fromkeys(("list", "retrieve"), "error_tracking:read"),
        **dict.fromkeys(("create", "update", "partial_update", "destroy", "test"), "error_tracking:write"),
    }
    serializer_class = AlertDestinationSerializer
    ordering = ("-id",)

    @extend_schema(
        request={_JSON: AlertDestinationCreateRequestSerializer}, responses={201: AlertDestinationCreatedSerializer}
    )
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Create a destination. Of a webhook, the answer holds the secret that signs it, this once."""
        fields = _checked(AlertDestinationCreateRequestSerializer, request)
        _check_target(fields["kind"], fields["target"])
        with transaction.atomic():
            self._make_room()
            destination = Destination(**self.own(**fields), secret=secret_for(fields["kind"]))
            destination.save(force_insert=True)
            self.audit(destination.pk, None, audited(destination))
        return json_response({**self.one(id=destination.pk), "secret": destination.secret}, status=201)

    def update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Change a destination. Fields that are absent keep their value."""
        fields = _checked(AlertDestinationUpdateRequestSerializer, request)
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            destination = self._locked(key)
            before = audited(destination)
            changed = change(destination, fields)
            if "target" in changed:
                _check_target(destination.kind, destination.target)
            if changed:
                destination.save(update_fields=changed)
                self.audit(key, before, audited(destination))
        return json_response(self.one(id=key))

    def partial_update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Change a destination; the same as PUT."""
        return self.update(request, id, **path)

    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete a destination with its log. What waits to be sent is not sent."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            destination = self._locked(key)
            destination.delete()
            self.audit(key, audited(destination), None)
        return no_content()

    @extend_schema(request=None, responses={202: AlertDeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Send a test, also where the destination is off or paused. Ask the delivery that is returned how it went.

        It is tried once. While one waits, another call returns the same.
        """
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            delivery = asking.test(self._locked(key))
            self.audit(key, None, {"delivery": str(delivery.pk)})
        return json_response(DELIVERIES.all(self.own(id=delivery.pk), 1)[0], status=202)

    def _locked(self, key: UUID) -> Destination:
        row: Destination | None = self.get_queryset().select_for_update(no_key=True).filter(pk=key).first()
        if row is None:
            raise Http404
        return row

    def _make_room(self) -> None:
        """See that the project has room for one more; others who make one wait for this transaction."""
        if not Project.objects.select_for_update(no_key=True).filter(pk=self.project.pk).exists():
            raise Http404  # the project is gone
        if self.get_queryset().count() >= MAX_DESTINATIONS:
            raise ValidationError(f"A project has at most {MAX_DESTINATIONS} destinations.", "too_many_destinations")


def _checked(kind: type[serializers.Serializer[Any]], request: APIRequest) -> Mapping[str, Any]:
    """Return the columns that the body sets; raise a 400 that names what is wrong with it."""
    checked = kind(data=inputs.body(request))
    checked.is_valid(raise_exception=True)
    return {
        name: list(dict.fromkeys(value)) if name in _LISTS else value for name, value in checked.validated_data.items()
    }


def _check_target(kind: str, target: str) -> None:
    if problem := targets.problem(kind, target):
        raise FieldError("target", problem)
    if kind == DestinationKind.EMAIL and not settings.EMAIL_AVAILABLE:
        raise FieldError("kind", "This server sends no mail: its operator has named no mail server.", "no_mail")
