"""Without its database the server asks SDKs to come back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from environments.models import Project
from errortracking.ingest import tokens
from errortracking.models import QueuedRequest
from tests.errortracking.ingest.conftest import TOKEN, an_event

BODY = json.dumps({"api_key": TOKEN, "batch": [an_event()]})
JSON = "application/json"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_database(project: Project) -> Iterator[None]:
    """Take the database away: new connections go to a server that is not there."""
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    yield
    connection.close()
    connection.settings_dict["HOST"] = host


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize(
    "path", ["/e/", "/batch/", "/s/", "/flags/", "/i/v1/analytics/events", f"/array/{TOKEN}/config"]
)
def test_every_route_answers_503_with_retry_after_and_cors(path: str, client: Client) -> None:
    body = json.dumps({"token": TOKEN}) if path == "/flags/" else BODY
    method = "GET" if path.endswith("config") else "POST"
    headers = {"Origin": "https://app.example", "Authorization": f"Bearer {TOKEN}"}
    response = client.generic(method, path, body, content_type=JSON, headers=headers)
    assert (response.status_code, response.content) == (503, b"transient error, please retry")
    assert response["Retry-After"] == "5"
    assert response["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.usefixtures("no_database")
def test_readiness_is_503_and_liveness_is_not(client: Client) -> None:
    assert client.get("/_readiness").status_code == 503
    assert client.get("/_liveness").status_code == 200


@pytest.mark.usefixtures("no_database")
def test_a_bad_request_is_told_so_even_then(client: Client) -> None:
    assert client.post("/e/", "{", content_type=JSON).status_code == 400


def test_a_database_that_fails_between_two_requests_loses_nothing_acknowledged(
    client: Client, project: Project
) -> None:
    assert client.post("/e/", BODY, content_type=JSON).status_code == 200
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    try:
        assert tokens.environment_of(TOKEN) == project.id  # remembered: so it is the INSERT that fails
        assert client.post("/e/", BODY, content_type=JSON).status_code == 503
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
    assert client.post("/e/", BODY, content_type=JSON).status_code == 200
    assert QueuedRequest.objects.filter(environment_id=project.id).count() == 2


def test_a_table_that_refuses_is_503_too_and_the_log_does_not_quote_the_row(
    client: Client, project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE errortracking_queuedrequest ADD CONSTRAINT full_disk CHECK (events < 0) NOT VALID")
    try:
        assert client.post("/e/", BODY, content_type=JSON).status_code == 503
        assert "full_disk" in caplog.text
        assert "Failing row" not in caplog.text
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE errortracking_queuedrequest DROP CONSTRAINT full_disk")
    assert client.post("/e/", BODY, content_type=JSON).status_code == 200
