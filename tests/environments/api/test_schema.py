"""The API's own description: what upstream's OpenAPI names is offered, under both prefixes, with its scope."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from environments.api.errors import body
from environments.api.schema import Generator
from environments.scopes import SCOPES
from tests.environments.world import World

UPSTREAM = yaml.safe_load((Path(__file__).parents[2] / "data" / "upstream-openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")

# Decision table: described as they are answered, not as upstream describes them.
DESCRIBED_BETTER = {
    "health_issues_summary_retrieve": "HealthIssueSummary",
    "environments_error_tracking_spike_detection_config_list": "ErrorTrackingSpikeDetectionConfig",
    "environments_error_tracking_releases_hash_retrieve": "ErrorTrackingRelease",
}
# Decision table and contract 8: the scopes of what upstream declares none for.
DECIDED_SCOPES = {
    "health_issues_resolve_create": "health_issue:write",
    "environments_error_tracking_spike_detection_config_update_config_partial_update": "error_tracking:write",
    "environments_error_tracking_stack_frames_destroy": "error_tracking:write",
}


def operations(schema: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return operation id → method, path and operation."""
    return {
        operation["operationId"]: (method, path, operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client().get("/api/schema/?format=json")
    assert response.status_code == 200
    return json.loads(response.content)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def ours(schema: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    return operations(schema)


UPSTREAM_OPERATIONS = operations(UPSTREAM)
offered = pytest.mark.parametrize("name", UPSTREAM_OPERATIONS)


def test_all_25_operations_are_compared() -> None:
    assert len(UPSTREAM_OPERATIONS) == 25


def resolve(schema: dict[str, Any], node: dict[str, Any] | None) -> dict[str, Any]:
    """Return ``node`` with its reference followed; an ``allOf`` of one is that one."""
    node = node or {}
    if "allOf" in node:
        return resolve(schema, node["allOf"][0]) | {key: value for key, value in node.items() if key != "allOf"}
    if "$ref" in node:
        _, _, kind, name = node["$ref"].split("/")
        return schema["components"][kind][name]  # type: ignore[no-any-return]
    return node


def fields(schema: dict[str, Any], node: dict[str, Any] | None, path: str = "") -> dict[str, tuple[Any, ...]]:
    """Return each field below a schema, as dotted path → type, format, nullable, maximum length."""
    node = resolve(schema, node)
    if node.get("type") == "array":
        return fields(schema, node["items"], path + "[]")
    found: dict[str, tuple[Any, ...]] = {}
    for name, child in node.get("properties", {}).items():
        inner = resolve(schema, child)
        nullable = bool(child.get("nullable") or inner.get("nullable"))
        found[f"{path}.{name}"] = (inner.get("type"), inner.get("format"), nullable, inner.get("maxLength"))
        found |= fields(schema, child, f"{path}.{name}")
    return found


def required(schema: dict[str, Any], node: dict[str, Any] | None) -> set[str]:
    return set(resolve(schema, node).get("required", []))


def body_of(schema: dict[str, Any], operation: dict[str, Any], media_type: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = operation.get("requestBody", {}).get("content", {}).get(media_type, {}).get("schema")
    return found


@offered
def test_the_operation_is_there_with_method_and_path(ours: Any, name: str) -> None:
    method, path, _ = UPSTREAM_OPERATIONS[name]
    assert ours[name][:2] == (method, path)


def assert_offers(given: dict[Any, tuple[Any, ...]], wanted: dict[Any, tuple[Any, ...]]) -> None:
    """See that everything wanted is given, and as wanted; upstream leaves the type of free JSON open."""
    assert set(wanted) <= set(given)
    for name, description in wanted.items():
        assert given[name] == description or description[0] is None, name


@offered
def test_its_parameters_are_offered(schema: Any, ours: Any, name: str) -> None:
    def parameters(description: Any, operation: Any) -> dict[Any, tuple[Any, ...]]:
        all_of_them = [
            description["components"]["parameters"][p["$ref"].split("/")[-1]] if "$ref" in p else p
            for p in operation.get("parameters", [])
        ]
        return {(p["in"], p["name"]): (p["schema"].get("type"), p.get("required", False)) for p in all_of_them}

    given = parameters(schema, ours[name][2])
    wanted = parameters(UPSTREAM, UPSTREAM_OPERATIONS[name][2])
    assert_offers(given, wanted)
    assert not [parameter for parameter in set(given) - set(wanted) if given[parameter][1]], "none more is required"


@offered
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_its_request_fields_are_offered(schema: Any, ours: Any, name: str, media_type: str) -> None:
    wanted = body_of(UPSTREAM, UPSTREAM_OPERATIONS[name][2], media_type)
    given = body_of(schema, ours[name][2], media_type)
    assert_offers(fields(schema, given), fields(UPSTREAM, wanted))
    assert required(schema, given) <= required(UPSTREAM, wanted)


@pytest.mark.parametrize("name", sorted(set(UPSTREAM_OPERATIONS) - set(DESCRIBED_BETTER)))
def test_its_answers_fields_are_offered(schema: Any, ours: Any, name: str) -> None:
    for status, answer in UPSTREAM_OPERATIONS[name][2]["responses"].items():
        wanted = answer.get("content", {}).get("application/json", {}).get("schema")
        given = ours[name][2]["responses"][status].get("content", {}).get("application/json", {}).get("schema")
        assert_offers(fields(schema, given), fields(UPSTREAM, wanted))
        assert required(schema, given) >= required(UPSTREAM, wanted)


@pytest.mark.parametrize(("name", "component"), DESCRIBED_BETTER.items())
def test_three_answers_are_described_as_they_are(ours: Any, name: str, component: str) -> None:
    """Decision table, row upstream-openapi.yaml."""
    shown = ours[name][2]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shown == {"$ref": f"#/components/schemas/{component}"}


@offered
def test_its_scope_tag_and_deprecation_are_the_same(ours: Any, name: str) -> None:
    wanted = UPSTREAM_OPERATIONS[name][2]
    decided = [{"PersonalAPIKeyAuth": [DECIDED_SCOPES[name]]}] if name in DECIDED_SCOPES else wanted["security"]
    assert ours[name][2]["security"] == decided
    assert ours[name][2]["tags"] == wanted["tags"]
    assert ours[name][2].get("deprecated", False) == wanted.get("deprecated", False)


@offered
def test_its_twin_under_projects_has_the_other_name(ours: Any, name: str) -> None:
    """Decision table: the twins are `projects_health_issues_*` and `error_tracking_*`."""
    method, path, operation = ours[name]
    is_health = name.startswith("health_issues_")
    twin = ours[f"projects_{name}" if is_health else name.removeprefix("environments_")]
    prefix = "/api/environments/{project_id}" if is_health else "/api/environments/{environment_id}"
    assert twin[:2] == (method, path.replace(prefix, "/api/projects/{project_id}"))
    assert twin[2].get("deprecated", False) is False
    for part in ("requestBody", "responses", "security", "tags"):
        assert twin[2].get(part) == operation.get(part)


def test_every_operation_names_a_scope_that_exists_and_the_errors(ours: Any) -> None:
    for _, path, operation in ours.values():
        if "/personal_api_keys/" in path or path == "/api/reset_password/":  # for sessions, and for everybody
            assert operation.get("security", [{"PersonalAPIKeyAuth": []}]) == [{"PersonalAPIKeyAuth": []}]
            continue
        [[scope]] = [requirement["PersonalAPIKeyAuth"] for requirement in operation["security"]]
        assert scope in SCOPES
        assert {"401", "403", "404"} <= set(operation["responses"])


def test_the_error_has_the_keys_that_are_sent(schema: Any) -> None:
    described = schema["components"]["schemas"]["Error"]
    assert set(described["properties"]) == set(described["required"]) == set(body("", "", ""))


def test_every_field_of_every_answer_is_described_where_it_may_come_from_an_event(schema: Any) -> None:
    frame = schema["components"]["schemas"]["ErrorTrackingStackFrame"]["properties"]
    release = schema["components"]["schemas"]["ErrorTrackingRelease"]["properties"]
    for field in (frame["contents"], frame["context"], release["metadata"], release["version"], release["project"]):
        assert "ntrusted" in field["description"]


def test_json_suffixes_are_no_operations(schema: Any) -> None:
    """1.1: excluded from the schema."""
    assert not [path for path in schema["paths"] if "format" in path or ".json" in path]


def test_the_scheme_is_a_bearer_token(schema: Any) -> None:
    assert schema["components"]["securitySchemes"] == {"PersonalAPIKeyAuth": {"type": "http", "scheme": "bearer"}}


def test_the_description_is_valid_openapi(schema: Any) -> None:
    from drf_spectacular.validation import validate_schema

    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_the_description_is_served_to_everybody_with_and_without_slash_as_yaml_and_json() -> None:
    client = Client()
    for path in ("/api/schema", "/api/schema/"):
        assert yaml.safe_load(client.get(path).content)["info"]["title"] == "Healthtrack"
    assert client.get("/api/schema/", headers={"Accept": "application/json"}).json()["openapi"] == "3.0.3"
    assert client.post("/api/schema/").status_code in {403, 405}


def test_a_visitor_cannot_fill_the_memory_with_versions() -> None:
    client = Client()
    first = client.get("/api/schema/?format=json").content
    assert client.get("/api/schema/?format=json&version=7&lang=xx").content == first


def test_the_first_visitor_cannot_say_what_others_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The description is made once for each process, at the first request."""
    monkeypatch.setattr(Generator, "_made", None)
    client = Client()
    for query in ("", "&version=Read+evil.example+first"):
        made = client.get(f"/api/schema/?format=json{query}")
        assert made.json()["info"]["version"] == "0.1.0"
        assert made["Content-Disposition"] == 'inline; filename="Healthtrack.json"'
        monkeypatch.setattr(Generator, "_made", None)


@pytest.mark.parametrize("version", ["a%0Ab", "%00", "%22", "%F0%9F%92%A5", "9" * 5_000])
@pytest.mark.parametrize("page", ["schema", "docs", "redoc"])
def test_a_strange_version_is_no_defect(page: str, version: str) -> None:
    assert Client().get(f"/api/{page}/?version={version}").status_code == 200


def test_the_docs_page_loads_nothing_from_other_hosts(world: World) -> None:
    client = Client()
    for path in ("/api/docs", "/api/docs/"):
        response = client.get(path)
        assert response.status_code == 200
        page = response.content.decode()
        assert "http://" not in page.replace("http://testserver", "")
        assert "https://" not in page
        assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert client.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js").status_code == 200


def test_redoc_loads_nothing_from_other_hosts() -> None:
    client = Client()
    bundle = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
    for path in ("/api/redoc", "/api/redoc/"):
        response = client.get(path)
        assert response.status_code == 200
        page = response.content.decode()
        found = re.findall(r"""(?:src|href|spec-url)=["']([^"']+)""", page)
        assert sorted(found) == ["/api/schema", bundle, "data:,"]
        assert "://" not in page
    assert client.get(bundle).status_code == 200


@pytest.mark.parametrize("path", ["/api/redoc/", "/api/docs/"])
def test_browsers_are_told_to_ask_no_other_host_for_the_docs(path: str) -> None:
    policy = dict(part.strip().split(" ", 1) for part in Client().get(path)["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert {word for words in policy.values() for word in words.split()} <= {
        *("'self'", "'none'", "'unsafe-inline'", "data:", "blob:")
    }


def test_the_pages_of_the_docs_are_no_operations(schema: Any) -> None:
    assert [path for path in schema["paths"] if re.match(r"/api/(docs|redoc|schema)", path)] == []


def test_what_is_deprecated_comes_last(schema: dict[str, Any]) -> None:
    """Both pages show the paths in their order, and would begin with a screen of crossed out ones."""
    deprecated = [all(operation.get("deprecated") for operation in item.values()) for item in schema["paths"].values()]
    assert deprecated == sorted(deprecated)
    assert True in deprecated
