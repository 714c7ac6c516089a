"""Routes: every path with and without the trailing slash, with ``.json``, under both prefixes (contract 1.1)."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, re_path
from rest_framework.routers import DefaultRouter
from rest_framework.urlpatterns import format_suffix_patterns

_SEGMENT = "[^/]+"


class Router(DefaultRouter):
    """DRF's router without a page at its root, and with no other suffix than ``.json``."""

    include_root_view = False
    include_format_suffixes = False

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"

    def get_urls(self) -> list[Any]:
        """Return the routes and their twins with the suffix."""
        routes: list[Any] = format_suffix_patterns(super().get_urls(), allowed=["json"])
        return routes


def project_routes(
    router: Router, below: str, environment_name: str = "environment_id"
) -> list[URLPattern | URLResolver]:
    """Return the router's routes under ``environments/…/below`` and ``projects/…/below``.

    ``environment_name`` is how the documentation of the first prefix calls the project: ``environment_id``, and
    ``project_id`` for health issues.
    """
    return [
        re_path(rf"^environments/(?P<{environment_name}>{_SEGMENT})/{below}", include(router.urls)),
        re_path(rf"^projects/(?P<project_id>{_SEGMENT})/{below}", include(router.urls)),
    ]
