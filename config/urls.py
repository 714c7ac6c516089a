"""Every route of the server, in one place."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from environments.api.docs import RedocView, SwaggerView

handler400 = "runtime.errors.bad_request"
handler404 = "runtime.errors.not_found"
handler500 = "runtime.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("runtime.probes")),
    path("", include("errortracking.ingest.urls")),
    path("", include("errortracking.symbols.urls")),
    path("api/", include("environments.api.users_urls")),
    path("api/", include("errortracking.api.urls")),
    path("api/", include("healthtrack.api.urls")),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SwaggerView.as_view(), name="docs"),
    re_path(r"^api/redoc/?$", RedocView.as_view(), name="redoc"),
    path("account/", include("environments.account_urls")),
    path("admin/", admin.site.urls),
]
