"""What generators of clients need of the description, beyond what a reader needs: a name for each type, and few types.

``tests/clients`` uses what they generate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.environments.api.test_schema import operations

JSON = "application/json"
FORMS = {"application/x-www-form-urlencoded": "Form", "multipart/form-data": "Multipart"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(Client().get("/api/schema/?format=json").content)
    return described


def walk(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object below ``node`` with the path to it."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from walk(value, f"{path}/{number}")


def test_the_description_is_made_without_a_warning(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(made))
    assert made.read_text(encoding="utf-8").startswith("openapi: 3.0.3\n")


def test_the_schema_of_a_body_tells_its_media_type(schema: dict[str, Any]) -> None:
    """Clients choose by the type of the body how to send it."""
    bodies = [
        operation["requestBody"]["content"]
        for _, _, operation in operations(schema).values()
        if "requestBody" in operation
    ]
    assert len([body for body in bodies if set(body) == {JSON, *FORMS}]) >= 16
    components = schema["components"]["schemas"]
    files = [body for body in bodies if JSON not in body]  # only a form can hold one
    uploads = "#/components/schemas/ErrorTrackingSymbolSetFileMultipart"
    assert files == [{"multipart/form-data": {"schema": {"$ref": uploads}}}] * 2
    for body in (body for body in bodies if body not in files):
        name = body[JSON]["schema"]["$ref"]
        for media_type in set(body) - {JSON}:
            suffix = FORMS[media_type]
            assert body[media_type]["schema"]["$ref"] == name + suffix
            assert components[(name + suffix).rpartition("/")[2]] == components[name.rpartition("/")[2]]


def test_free_json_is_one_type(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    assert components["JSONObject"]["additionalProperties"] is True
    places = (
        ("HealthIssue", "payload"),
        ("ErrorTrackingRecommendation", "meta"),
        ("ErrorTrackingRelease", "metadata"),
        ("ErrorTrackingStackFrame", "contents"),
        ("ErrorTrackingStackFrame", "context"),
    )
    for component, field in places:
        assert components[component]["properties"][field]["allOf"] == [{"$ref": "#/components/schemas/JSONObject"}]
    free = [path for path, node in walk(components) if node.get("additionalProperties") is True]
    assert free == ["/JSONObject"]


def test_nothing_but_the_value_of_a_filter_is_one_of_several_types(schema: dict[str, Any]) -> None:
    found = [path for path, node in walk(schema) if "oneOf" in node or "anyOf" in node]
    assert [path for path in found if "Filter" not in path] == []


def test_every_enumeration_has_a_name(schema: dict[str, Any]) -> None:
    found = [path for path, node in walk(schema) if isinstance(node.get("enum"), list)]
    assert {f"/components/schemas/{name}" for name in ("HealthIssueStatusEnum", "SpikeEventOrderEnum")} <= set(found)
    assert [path for path in found if path.count("/") != 3] == []


def test_the_names_of_orders_in_programs_have_no_sign(schema: dict[str, Any]) -> None:
    order = schema["components"]["schemas"]["SpikeEventOrderEnum"]
    named = dict(zip(order["x-enum-varnames"], order["enum"], strict=True))
    assert named["DETECTED_AT_DESCENDING"] == "-detected_at"
    assert named["COMPUTED_BASELINE"] == "computed_baseline"
    assert all(name.isidentifier() for name in named)


def test_answers_that_ask_to_wait_say_how_long(schema: dict[str, Any]) -> None:
    for _, _, operation in operations(schema).values():
        for status in ("429", "503"):
            assert operation["responses"][status]["headers"]["Retry-After"]["schema"] == {"type": "integer"}


def test_a_change_may_name_its_request(schema: dict[str, Any]) -> None:
    for method, _, operation in operations(schema).values():
        headers = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"]
        assert headers == ([] if method == "get" else ["X-Request-ID"])


def test_what_is_always_there_is_described_so(schema: dict[str, Any]) -> None:
    components = schema["components"]["schemas"]
    for name in ("HealthIssue", "ErrorTrackingSettings", "PaginatedHealthIssueList", "ErrorTrackingRecommendation"):
        assert set(components[name]["required"]) == set(components[name]["properties"])
