"""What SDKs ask for when they start, and what monitors ask."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest
from django.test import Client

from environments.models import Project
from errortracking.models import QueuedRequest
from tests.errortracking.ingest.conftest import TOKEN

JSON = "application/json"


def test_the_configuration_turns_exceptions_on_and_everything_else_off(client: Client, project: Project) -> None:
    response = client.get(f"/array/{TOKEN}/config", {"ip": "1"})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "hasFeatureFlags": False,
        "supportedCompression": ["gzip", "gzip-js"],
        "autocaptureExceptions": True,
        "errorTracking": {"autocaptureExceptions": True, "suppressionRules": []},
        "sessionRecording": False,
        "surveys": False,
        "heatmaps": False,
        "capturePerformance": False,
        "siteApps": [],
        "toolbarParams": {},
        "isAuthenticated": False,
        "autocapture_opt_out": False,
        "elementsChainAsString": True,
    }


def test_the_configuration_comes_as_a_script_too(client: Client, project: Project) -> None:
    response = client.get(f"/array/{TOKEN}/config.js")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/javascript"
    script = response.content.decode()
    found = re.fullmatch(
        r"\(function\(\)\{var all=window\._POSTHOG_REMOTE_CONFIG=window\._POSTHOG_REMOTE_CONFIG\|\|\{\};"
        r'all\["phc_localtesttoken"\]=\{config:(\{.*\}),siteApps:\[\]\}\}\)\(\);\n',
        script,
    )
    assert found
    assert json.loads(found[1]) == client.get(f"/array/{TOKEN}/config").json()


@pytest.mark.parametrize("path", ["exception-autocapture.js?v=1.200.0", "1.449.2/exception-autocapture.js"])
def test_the_script_that_hears_what_nobody_catches_is_there_for_any_version_and_page(client: Client, path: str) -> None:
    """What it does is told by tests/bundles/test_plain_sdk.py, in a browser."""
    response = client.get(f"/static/{path}", headers={"Origin": "https://shop.example"})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/javascript"
    assert response["Access-Control-Allow-Origin"] == "https://shop.example"  # the SDK asks with `crossorigin`
    assert response["Cache-Control"] == "public, max-age=3600"
    assert b"errorWrappingFunctions" in response.content
    assert client.post(f"/static/{path}").status_code == 405


@pytest.mark.parametrize("path", ["recorder.js", "1.449.2/array.js", "a/b/exception-autocapture.js"])
def test_no_other_part_of_the_sdk_is_there(client: Client, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


@pytest.mark.parametrize("path", ["config", "config/", "config.js"])
@pytest.mark.parametrize(
    ("token", "reason"),
    [("phc_nobody", "no project has this token"), ("phx_a", "personal_api_key"), ("a" * 65, "too_long")],
)
def test_a_wrong_token_is_told_so_at_the_start(
    path: str, token: str, reason: str, client: Client, project: Project
) -> None:
    response = client.get(f"/array/{token}/{path}", headers={"Origin": "https://app.example"})
    assert (response.status_code, response.content.decode()) == (401, f"API key is not valid: {reason}")
    assert response["Access-Control-Allow-Origin"] == "https://app.example"


@pytest.mark.parametrize("path", ["/flags", "/flags/", "/flags/?v=2", "/flags/?v=4"])
@pytest.mark.parametrize("key", ["api_key", "token", "$token"])
def test_there_are_no_flags(path: str, key: str, client: Client, project: Project) -> None:
    response = client.post(path, json.dumps({key: TOKEN, "distinct_id": "user-1"}), content_type=JSON)
    assert response.status_code == 200
    answer = response.json()
    assert UUID(answer.pop("requestId")).version == 4
    assert answer == {"flags": {}, "errorsWhileComputingFlags": False, "quotaLimited": []}
    assert not QueuedRequest.objects.filter(environment_id=project.id).exists()


def test_older_sdks_ask_decide_and_understand_the_answer(client: Client, project: Project) -> None:
    answer = client.post(
        "/decide/?v=3", json.dumps({"token": TOKEN, "distinct_id": "user-1"}), content_type=JSON
    ).json()
    assert answer["featureFlags"] == {}
    assert answer["featureFlagPayloads"] == {}
    assert answer["errorsWhileComputingFlags"] is False
    assert answer["sessionRecording"] is False
    assert answer["supportedCompression"] == ["gzip", "gzip-js"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("{}", 401, "event submitted without an api_key"),
        ("[]", 401, "event submitted without an api_key"),
        ('{"token":"phc_nobody"}', 401, "API key is not valid: no project has this token"),
        ("hello", 400, "failed to parse request: expected a JSON object or array"),
        ("", 400, "request holds no event"),
    ],
)
def test_a_bad_question_for_flags_is_refused(
    body: str, status: int, text: str, client: Client, project: Project
) -> None:
    response = client.post("/flags/", body, content_type=JSON)
    assert (response.status_code, response.content.decode()) == (status, text)


@pytest.mark.parametrize("path", ["/", "/_liveness", "/_liveness/"])
def test_the_server_says_that_it_lives_without_a_database(path: str, client: Client) -> None:
    assert client.get(path).content == b"healthtrack"
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/_readiness", "/_readiness/"])
def test_the_server_says_that_it_is_ready(path: str, client: Client, db: None) -> None:
    assert client.get(path).status_code == 200
