"""GET /symbolsets/download: the data of one key, for who has its address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from environments import clock
from environments.models import Project
from errortracking.symbols.storage import new_key
from errortracking.symbols.storage.database import DatabaseStorage
from tests.errortracking.symbols.storing import a_project

__all__ = ["a_project"]

pytestmark = pytest.mark.django_db
KEY = "symbolsets/01a2034c-8f2e-7000-8000-000000000001"


def address(project: Project, key: str = KEY) -> str:
    return DatabaseStorage().download_url(project.pk, key, "")


def content(answer: HttpResponseBase) -> bytes:
    assert isinstance(answer, StreamingHttpResponse)
    return answer.getvalue()


def test_the_data_comes_as_a_file_to_be_saved(a_project: Project) -> None:
    sent = bytes(range(256)) * 10_000
    DatabaseStorage().write(a_project.pk, KEY, [sent])
    answer = Client().get(address(a_project))
    assert answer.status_code == 200
    assert content(answer) == sent
    assert answer["Content-Length"] == "2560000"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="01a2034c-8f2e-7000-8000-000000000001"'
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_its_length_can_be_asked_for(a_project: Project) -> None:
    DatabaseStorage().write(a_project.pk, KEY, [b"data"])
    answer = Client().head(address(a_project))
    assert (answer.status_code, answer["Content-Length"]) == (200, "4")


def test_an_address_of_data_that_is_gone_leads_to_404(a_project: Project) -> None:
    answer = Client().get(address(a_project, new_key()))
    assert answer.status_code == 404
    assert answer.json() == {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None}


def test_an_address_that_has_expired_is_refused(a_project: Project) -> None:
    DatabaseStorage().write(a_project.pk, KEY, [b"data"])
    url = address(a_project)
    with clock.stopped_at(clock.now() + timedelta(minutes=6)):
        answer = Client().get(url)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "The address has expired."


@pytest.mark.parametrize("query", ["", "?signature=", "?signature=forged", "?signature=%F0%9F"])
def test_an_address_that_was_not_signed_here_is_refused(a_project: Project, query: str) -> None:
    answer = Client().get(f"/symbolsets/download{query}")
    assert answer.status_code == 403
    assert answer.json() == {
        "type": "authentication_error",
        "code": "permission_denied",
        "detail": "The address is not valid.",
        "attr": None,
    }


def test_an_address_for_uploading_shows_nothing(a_project: Project) -> None:
    DatabaseStorage().write(a_project.pk, KEY, [b"data"])
    query = DatabaseStorage().upload_form(a_project.pk, KEY, "").url.partition("?")[2]
    assert Client().get(f"/symbolsets/download?{query}").status_code == 403


def test_only_reading_is_allowed(a_project: Project) -> None:
    answer = Client().post(address(a_project))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
