"""What a list costs: this server's fast read path against a plain DRF ``ModelViewSet`` over the same rows.

    DATABASE_URL=postgresql://… .venv/bin/python benchmarks/read.py [rows] [requests]

Both sides run in this process behind the same middleware, authenticate with the same key and answer 100 rows with
count and links; their answers are compared first. The plain side is what DRF's documentation shows:
``ModelSerializer``, ``select_related``, ``LimitOffsetPagination``, DRF's renderer, a key look-up by hash. CPU time is
that of this process (what the web process would spend), wall time contains PostgreSQL. The rows it makes are deleted
again. The best of five rounds counts: the machine has other work.

Found in November 2026 (Python 3.11, 2 cores, embedded PostgreSQL 18.6, 1,000 rows), CPU ms of one request: on an idle
machine releases 6.1 → 0.7 (9 times), stack frames 15.0 → 1.05 (14 times); with a load of 5 on its 2 cores 4 to 7 and
7 to 10 times. Most of what is left is DRF's dispatch, the middleware and the sending of three statements.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "WARNING")

import django

django.setup()

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import RequestFactory
from django.urls import include, path
from rest_framework import authentication, pagination, permissions, renderers, routers, serializers, viewsets

from config import urls
from environments import clock
from environments.models import Membership, Organization, PersonalAPIKey, Project, User
from environments.secrets import hash_key
from errortracking.models import FrameContent, Release, StackFrame, SymbolSet

EMAIL = "benchmark@example.com"


class PlainKey(authentication.BaseAuthentication):
    """A key look-up as one writes it first."""

    def authenticate(self, request: Any) -> Any:
        value = request.headers["Authorization"].removeprefix("Bearer ")
        key = PersonalAPIKey.objects.select_related("user").get(secure_value=hash_key(value), user__is_active=True)
        return key.user, key


class PlainMember(permissions.BasePermission):
    """Membership as one writes it first."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return Membership.objects.filter(user=request.user, organization__projects=view.kwargs["project"]).exists()


class PlainReleaseSerializer(serializers.ModelSerializer):
    team_id = serializers.IntegerField(source="environment_id")

    class Meta:
        model = Release
        fields = ("id", "hash_id", "team_id", "created_at", "metadata", "version", "project")


class PlainFrameSerializer(serializers.ModelSerializer):
    raw_id = serializers.SerializerMethodField()
    contents = serializers.JSONField(source="content.contents")
    resolved = serializers.BooleanField(source="content.resolved")
    context = serializers.JSONField(source="content.context")
    symbol_set_ref = serializers.CharField(source="symbol_set.ref", default=None)
    release = PlainReleaseSerializer(source="symbol_set.release", default=None)

    class Meta:
        model = StackFrame
        fields = (
            "id",
            "raw_id",
            "created_at",
            "contents",
            "resolved",
            "context",
            "symbol_set_ref",
            "release",
        )

    def get_raw_id(self, frame: StackFrame) -> str:
        return f"{frame.raw_id}/{frame.part}"


class Plain(viewsets.ModelViewSet):
    authentication_classes = [PlainKey]
    permission_classes = [permissions.IsAuthenticated, PlainMember]
    pagination_class = type("Pages", (pagination.LimitOffsetPagination,), {"default_limit": 100})
    renderer_classes = [renderers.JSONRenderer]

    def get_queryset(self) -> Any:
        return self.queryset.filter(environment_id=self.kwargs["project"])


class PlainReleases(Plain):
    queryset = Release.objects.order_by("-created_at", "-id")
    serializer_class = PlainReleaseSerializer


class PlainFrames(Plain):
    queryset = StackFrame.objects.select_related("content", "symbol_set__release").order_by("id")
    serializer_class = PlainFrameSerializer


def make_rows(rows: int) -> tuple[int, str]:
    """Make a project with ``rows`` frames and as many releases; return its id and a key."""
    organization = Organization.objects.create(name="Benchmark")
    user = User.objects.create_user(EMAIL)
    Membership.objects.create(organization=organization, user=user)
    project = Project.objects.create(organization=organization, name="Benchmark")
    _, key = PersonalAPIKey.objects.issue(user, "benchmark", ["error_tracking:read"], last_used_at=clock.now())
    metadata = {"git": {"commit_id": "d" * 40, "branch": "main", "remote_url": "https://example.com/a/b.git"}}
    releases = Release.objects.bulk_create(
        Release(environment=project, hash_id=f"{n:0128}", version=f"1.{n}", project="web", metadata=metadata)
        for n in range(rows)
    )
    sets = SymbolSet.objects.bulk_create(
        SymbolSet(environment=project, ref=f"chunk-{n}", release=releases[n]) for n in range(20)
    )
    contents = {"mangled_name": "f", "resolved_name": "loadCart", "line": 1042, "column": 17, "in_app": True}
    contents |= {"source": "webpack://shop/src/cart.ts", "lang": "javascript", "frame_id": "a" * 128}
    code = "    const total = items.reduce((sum, item) => sum + item.price, 0);"
    lines = [{"number": number, "line": code} for number in range(5)]
    context = {"before": lines, "line": lines[0], "after": lines}
    bodies = FrameContent.objects.bulk_create(
        FrameContent(environment=project, hash=n.to_bytes(32), contents=contents, context=context, resolved=True)
        for n in range(rows)
    )
    StackFrame.objects.bulk_create(
        StackFrame(environment=project, raw_id=f"{n:0128}", content=body, symbol_set=sets[n % 20] if n % 2 else None)
        for n, body in enumerate(bodies)
    )
    return project.pk, key


def measure(address: str, key: str, requests: int) -> tuple[float, float, Any]:
    """Return CPU and wall milliseconds of one request to ``address``, and its answer."""
    handler, factory = WSGIHandler(), RequestFactory(headers={"Authorization": f"Bearer {key}"})
    best_cpu = best_wall = float("inf")
    content = b""
    for _ in range(5):
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(requests):
            response = handler.get_response(factory.get(address))
            content = response.content
        best_cpu = min(best_cpu, (time.process_time() - cpu) / requests * 1000)
        best_wall = min(best_wall, (time.perf_counter() - wall) / requests * 1000)
    return best_cpu, best_wall, json.loads(content)


def main(rows: int = 1_000, requests: int = 100) -> None:
    """Measure both lists on the first page."""
    router = routers.DefaultRouter()
    router.register("releases", PlainReleases)
    router.register("stack_frames", PlainFrames)
    urls.urlpatterns.insert(0, path("plain/<int:project>/", include(router.urls)))
    WSGIHandler().load_middleware()
    project, key = make_rows(rows)
    try:
        connection.cursor().execute("VACUUM ANALYZE")
        heads = ("plain: CPU ms", "wall", "ours: CPU ms", "wall", "ratio: CPU", "wall")
        print("list of 100   " + "".join(map(str.rjust, heads, (15, 8, 15, 8, 12, 6))))
        for name in ("releases", "stack_frames"):
            plain = measure(f"/plain/{project}/{name}/", key, requests)
            ours = measure(f"/api/projects/{project}/error_tracking/{name}/", key, requests)
            if plain[2]["results"] != ours[2]["results"]:
                raise SystemExit(f"{name}: the answers differ")
            print(
                f"{name:14}{plain[0]:15.2f}{plain[1]:8.2f}{ours[0]:15.2f}{ours[1]:8.2f}"
                f"{plain[0] / ours[0]:12.1f}{plain[1] / ours[1]:6.1f}"
            )
    finally:
        Organization.objects.filter(projects=project).delete()
        User.objects.filter(email=EMAIL).delete()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
