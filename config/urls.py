"""Every route of the server, in one place."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from environments.api.docs import RedocView, SchemaView, SwaggerView

handler400 = "runtime.errors.bad_request"
handler404 = "runtime.errors.not_found"
handler500 = "runtime.errors.server_error"

# What people type. Everything below the two pages comes by links, and programs know their addresses.
_with_slash = RedirectView.as_view(url="/%(page)s/", query_string=True, http_method_names=["get", "head"])

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("runtime.probes")),
    path("", include("errortracking.ingest.urls")),
    path("", include("errortracking.symbols.urls")),
    path("api/", include("environments.api.users_urls")),
    path("api/", include("errortracking.api.urls")),
    path("api/", include("healthtrack.api.urls")),
    re_path(r"^api/schema/?$", SchemaView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SwaggerView.as_view(), name="docs"),
    re_path(r"^api/redoc/?$", RedocView.as_view(), name="redoc"),
    re_path(r"^(?P<page>admin|account)$", _with_slash),
    path("account/", include("environments.account_urls")),
    path("admin/", admin.site.urls),
]
