"""The WSGI application: what a path led to is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import Http404
from django.test import RequestFactory, override_settings
from django.urls import path

from runtime import wsgi
from runtime.requests import unavailable
from runtime.wsgi import LONGEST_KEPT, Application

urlpatterns = [path("livez", unavailable, name="elsewhere")]


@pytest.fixture
def application() -> Iterator[Application]:
    wsgi._known.cache_clear()
    yield Application()
    wsgi._known.cache_clear()


def kept() -> int:
    return wsgi._known.cache_info().currsize


def test_a_path_is_resolved_once_and_each_request_is_told(application: Application) -> None:
    found = []
    for _ in range(3):
        request = RequestFactory().get("/api/projects/7/error_tracking/releases/?limit=1")
        found.append(application.resolve_request(request))
        assert request.resolver_match is found[-1]
    assert found[0] is found[1] is found[2]
    assert found[0].kwargs == {"project_id": "7"}
    assert found[0].route == "api/projects/(?P<project_id>[^/]+)/error_tracking/releases/?$"
    assert kept() == 1


def test_paths_that_differ_lead_to_what_they_name(application: Application) -> None:
    for project in ("7", "8", "@current"):
        for _ in range(2):
            request = RequestFactory().get(f"/api/projects/{project}/error_tracking/releases/")
            assert application.resolve_request(request).kwargs == {"project_id": project}
    assert kept() == 3


def test_a_path_that_leads_nowhere_is_not_kept(application: Application) -> None:
    for _ in range(2):
        with pytest.raises(Http404):
            application.resolve_request(RequestFactory().get("/nothing/here"))
    assert kept() == 0


def test_a_long_path_is_not_kept(application: Application) -> None:
    fits = "/api/projects/1/error_tracking/releases/"
    fits += "x" * (LONGEST_KEPT - len(fits))
    for address, number in ((fits, 1), (fits + "x", 1)):
        match = application.resolve_request(RequestFactory().get(address))
        assert match.kwargs["id"] == address.removeprefix("/api/projects/1/error_tracking/releases/")
        assert kept() == number


def test_other_routes_are_asked_for_themselves(application: Application) -> None:
    first = application.resolve_request(RequestFactory().get("/livez"))
    with override_settings(ROOT_URLCONF=__name__):
        assert application.resolve_request(RequestFactory().get("/livez")).url_name == "elsewhere"
    assert application.resolve_request(RequestFactory().get("/livez")) is first
