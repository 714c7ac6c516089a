"""Side (a) of `benchmarks/read.py`: the same lists as DRF's documentation shows how to write them.

``ModelViewSet``, ``ModelSerializer``, ``select_related``, ``LimitOffsetPagination`` and DRF's own renderer, under the
middleware of ``django-admin startproject``. It authenticates with the key and checks the membership; it knows neither
scopes nor limits, writes no log and counts nothing, all of which speaks for it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import include, re_path
from rest_framework import authentication, pagination, permissions, renderers, routers, serializers, viewsets

from environments.models import Membership, PersonalAPIKey
from environments.secrets import hash_key
from errortracking.models import Release, StackFrame
from healthtrack.models import HealthIssue


class Key(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        value = request.headers["Authorization"].removeprefix("Bearer ")
        key = PersonalAPIKey.objects.select_related("user").get(secure_value=hash_key(value), user__is_active=True)
        return key.user, key


class Member(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return Membership.objects.filter(user=request.user, organization__projects=view.kwargs["project"]).exists()


class HealthIssueSerializer(serializers.ModelSerializer[HealthIssue]):
    class Meta:
        model = HealthIssue
        fields = (
            *("id", "kind", "severity", "status", "dismissed", "payload"),
            *("created_at", "updated_at", "resolved_at"),
        )


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    team_id = serializers.IntegerField(source="environment_id")

    class Meta:
        model = Release
        fields = ("id", "hash_id", "team_id", "created_at", "metadata", "version", "project")


class FrameSerializer(serializers.ModelSerializer[StackFrame]):
    raw_id = serializers.SerializerMethodField()
    contents = serializers.JSONField(source="content.contents")
    resolved = serializers.BooleanField(source="content.resolved")
    context = serializers.JSONField(source="content.context")  # type: ignore[assignment]
    symbol_set_ref = serializers.CharField(source="symbol_set.ref", default=None)
    release = ReleaseSerializer(source="symbol_set.release", default=None)

    class Meta:
        model = StackFrame
        fields = ("id", "raw_id", "created_at", "contents", "resolved", "context", "symbol_set_ref", "release")

    def get_raw_id(self, frame: StackFrame) -> str:
        return f"{frame.raw_id}/{frame.part}"


class Pages(pagination.LimitOffsetPagination):
    default_limit = 100


class Plain(viewsets.ModelViewSet[Any]):
    authentication_classes = [Key]
    permission_classes = [permissions.IsAuthenticated, Member]
    pagination_class = Pages
    renderer_classes = [renderers.JSONRenderer]
    queryset: QuerySet[Any] | None = None

    def get_queryset(self) -> Any:
        assert self.queryset is not None
        return self.queryset.filter(environment_id=self.kwargs["project"])


class HealthIssues(Plain):
    queryset = HealthIssue.objects.order_by("severity_rank", "-created_at", "id")
    serializer_class = HealthIssueSerializer


class Releases(Plain):
    queryset = Release.objects.order_by("-created_at", "-id")
    serializer_class = ReleaseSerializer


class Frames(Plain):
    queryset = StackFrame.objects.select_related("content", "symbol_set__release").order_by("id")
    serializer_class = FrameSerializer


router = routers.DefaultRouter()
router.register("health_issues", HealthIssues)
router.register("error_tracking/releases", Releases)
router.register("error_tracking/stack_frames", Frames)
urlpatterns = [re_path(r"^api/projects/(?P<project>\d+)/", include(router.urls))]
