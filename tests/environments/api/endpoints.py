"""Endpoints that exist only in tests, for what no real endpoint does: the URL configuration of some of them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from django.urls import include, path
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from config import urls as real
from environments.api.exceptions import BareDetail, FieldError, ItemError
from environments.api.permissions import ProjectAccess
from environments.api.requests import APIRequest
from environments.api.routers import Router, project_routes
from environments.api.views import View
from environments.api.viewsets import ProjectViewSet
from environments.models import User
from errortracking.models import Release

handler400, handler404, handler500 = real.handler400, real.handler404, real.handler500

FAULTS: dict[str, Exception] = {
    "throttled": exceptions.Throttled(60),
    "throttled-briefly": exceptions.Throttled(0.2),
    "throttled-somehow": exceptions.Throttled(),
    "protected": ProtectedError("Release 3 is needed", set()),
    "restricted": RestrictedError("Release 3 is needed", set()),
    "bare": BareDetail("Could not resolve health issue."),
    "http404": Http404("No Release matches the given query."),
    "permission": PermissionDenied("secret reason"),
    "drf-permission": exceptions.PermissionDenied(),
    "suspicious": SuspiciousOperation("secret reason"),
    "fields": TooManyFieldsSent("secret reason"),
    "large": RequestDataTooBig("secret reason"),
    "data": DataError("secret reason"),
    "integrity": IntegrityError("secret reason"),
    "down": OperationalError("connection refused"),
    "closed": InterfaceError("connection already closed"),
    "defect": ZeroDivisionError("a defect"),
    "field": FieldError("symbol_set", "Must be a valid UUID."),
    "item": ItemError("raw_ids", 1, "Not a valid string."),
    "plain": exceptions.ValidationError("Version is required"),
    "coded": exceptions.ValidationError("Hash id 7 already in use", "release_hash_in_use"),
    "non-field": exceptions.ValidationError({"non_field_errors": ["Both are set."]}),
    "several": exceptions.ValidationError({"b": ["First.", "Second."], "a": ["Third."]}),
}


class NestedSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField(min_value=1)


class InputSerializer(serializers.Serializer[Any]):
    """One field of each kind that has a code of its own."""

    text = serializers.CharField(max_length=3, required=False)
    number = serializers.IntegerField(min_value=1, max_value=2147483647, required=False)
    raw_ids = serializers.ListField(child=serializers.CharField(), required=False)
    nested = NestedSerializer(required=False)
    many = NestedSerializer(many=True, required=False)  # type: ignore[assignment]  # the stubs know another ``many``
    needed = serializers.CharField()


class ReleaseSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class FaultyViewSet(ProjectViewSet):
    """Raises what the path names, and reads what the body holds."""

    model = Release
    serializer_class = ReleaseSerializer
    scope_object = "error_tracking"
    scopes = {"raises": "error_tracking:read", "reads": "error_tracking:write"}

    @action(detail=False, url_path="raises/(?P<fault>[^/.]+)")
    def raises(self, request: APIRequest, fault: str, **path: str) -> Response:
        raise FAULTS[fault]

    @action(detail=False, methods=["post"])
    def reads(self, request: APIRequest, **path: str) -> Response:
        checked = InputSerializer(data=request.data)
        checked.is_valid(raise_exception=True)
        return Response(checked.validated_data)

    @action(detail=False)
    def undeclared(self, request: APIRequest, **path: str) -> Response:
        return Response({"reached": True})


class Me(View):
    """An endpoint that belongs to no project."""

    permission_classes = (ProjectAccess,)
    action = "retrieve"

    def required_scope(self) -> str:
        return "error_tracking:read"

    def get(self, request: APIRequest) -> Response:
        assert isinstance(request.user, User)
        return Response({"email": request.user.email})


class Silent(View):
    """An endpoint that forgot to say who may use it."""

    def get(self, request: APIRequest) -> Response:
        return Response({"reached": True})


router = Router()
router.register("faulty", FaultyViewSet, basename="faulty")

urlpatterns = [
    path("api/", include(project_routes(router, ""))),
    path("api/me/", Me.as_view()),
    path("api/silent/", Silent.as_view()),
    *real.urlpatterns,
]
