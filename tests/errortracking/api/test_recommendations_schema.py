"""How recommendations are described (contract 3 and 11)."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from environments.api.schema import Generator
from errortracking.api.recommendations import ErrorTrackingRecommendationSerializer

ROOT = "/api/environments/{environment_id}/error_tracking/recommendations/"
OPERATIONS = {
    ROOT: ("get", "environments_error_tracking_recommendations_list"),
    ROOT + "{id}/dismiss/": ("post", "environments_error_tracking_recommendations_dismiss_create"),
    ROOT + "{id}/restore/": ("post", "environments_error_tracking_recommendations_restore_create"),
    ROOT + "{id}/refresh/": ("post", "environments_error_tracking_recommendations_refresh_create"),
}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    assert issubclass(Generator, SchemaGenerator)
    return Generator().get_schema(public=True)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("path", "method", "name"), [(path, *operation) for path, operation in OPERATIONS.items()])
def test_the_operations_have_their_names_and_scopes(
    described: dict[str, Any], path: str, method: str, name: str
) -> None:
    operations = described["paths"][path]
    assert list(operations) == [method]
    scope = "read" if method == "get" else "write"
    assert operations[method]["operationId"] == name
    assert operations[method]["security"] == [{"PersonalAPIKeyAuth": [f"error_tracking:{scope}"]}]
    assert "requestBody" not in operations[method]


def test_no_other_operation_is_described(described: dict[str, Any]) -> None:
    assert {path for path in described["paths"] if path.startswith(ROOT)} == set(OPERATIONS)


@pytest.mark.parametrize(("path", "name"), [(ROOT, "poll"), (ROOT + "{id}/refresh/", "force")])
def test_the_parameters_are_described(described: dict[str, Any], path: str, name: str) -> None:
    """11, row 20: poll and force exist."""
    [operation] = described["paths"][path].values()
    [parameter] = [one for one in operation["parameters"] if one["name"] == name]
    assert (parameter["in"], parameter["schema"]["type"], bool(parameter["description"])) == ("query", "boolean", True)


def test_an_object_has_the_fields_of_the_contract_each_explained(described: dict[str, Any]) -> None:
    component = described["components"]["schemas"]["ErrorTrackingRecommendation"]
    fields = ["id", "type", "meta", "completed", "status", "computed_at", "dismissed_at", "created_at", "updated_at"]
    assert list(component["properties"]) == fields == list(ErrorTrackingRecommendationSerializer().fields)
    assert sorted(component["required"]) == sorted(fields)
    assert component["properties"]["status"]["type"] == "string"
    assert "enum" not in component["properties"]["status"]
    assert component["properties"]["meta"]["allOf"] == [{"$ref": "#/components/schemas/JSONObject"}]
    assert described["components"]["schemas"]["JSONObject"]["type"] == "object"
    assert [name for name, field in component["properties"].items() if field.get("nullable")] == [
        "computed_at",
        "dismissed_at",
    ]
    assert [name for name, field in component["properties"].items() if "description" not in field] == []


def test_a_bad_refresh_may_have_nothing_but_its_sentence(described: dict[str, Any]) -> None:
    """1.4: exceptions to the format."""
    response = described["paths"][ROOT + "{id}/refresh/"]["post"]["responses"]["400"]
    reference = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    component = described["components"]["schemas"][reference]
    assert component["required"] == ["detail"]
    assert set(component["properties"]) == {"type", "code", "detail", "attr"}
    assert "only `detail`" in response["description"]
