"""Routes of the edge, each with and without a slash at its end: a redirect would lose the body of a POST."""

from __future__ import annotations

from django.urls import re_path

from errortracking.ingest import views

urlpatterns = [
    re_path(r"^(?P<route>i/v0/e|e|track|engage|capture|batch)/?$", views.capture),
    re_path(r"^(?P<route>s|i/v0/ai|i/v0/ai/batch)/?$", views.capture_posted),
    re_path(r"^i/v1/analytics/events/?$", views.capture_events),
    re_path(r"^array/(?P<token>[^/]+)/config/?$", views.config),
    re_path(r"^array/(?P<token>[^/]+)/config\.js$", views.config_script),
    # With the version of the SDK in the path where its `strict_script_versioning` is on, else behind `?v=`.
    re_path(r"^static/(?:[^/]+/)?exception-autocapture\.js$", views.exception_autocapture),
    re_path(r"^(?P<route>flags|decide)/?$", views.flags),
    re_path(r"^(?:_liveness/?)?$", views.alive),
    re_path(r"^_readiness/?$", views.ready),
]
