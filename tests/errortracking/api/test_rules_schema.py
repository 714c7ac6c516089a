"""How rules are described (contract 10), and that a client made from the description can write them."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from environments.api.schema import Generator
from errortracking.rules import limits
from tests.errortracking.api.ruling import KINDS, OTHERS, TIMEOUTS, Kind, of_every_kind

OPERATIONS = {
    "": {"get": ("list", "read"), "post": ("create", "write")},
    "{id}/": {
        "get": ("retrieve", "read"),
        "put": ("update", "write"),
        "patch": ("partial_update", "write"),
        "delete": ("destroy", "write"),
    },
    "reorder/": {"patch": ("reorder_partial_update", "write")},
    "preview/": {"post": ("preview_create", "read")},
}
SHOWN = {
    "assignment_rules": {"assignee"},
    "grouping_rules": {"assignee", "description", "issue"},
    "suppression_rules": {"sampling_rate"},
    "bypass_rules": set(),
}
COMMON = {"id", "filters", "order_key", "disabled_data", "created_at", "updated_at"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return Generator().get_schema(public=True)  # type: ignore[no-untyped-call]


def component(kind: Kind, ending: str = "") -> str:
    return f"ErrorTracking{kind.name.removesuffix('_rules').capitalize()}Rule{ending}"


@of_every_kind
@pytest.mark.parametrize(
    ("prefix", "before"),
    [
        ("/api/environments/{environment_id}/", "environments_"),
        ("/api/projects/{project_id}/", ""),
    ],
)
def test_the_operations_have_their_names_and_scopes(
    described: dict[str, Any], kind: Kind, prefix: str, before: str
) -> None:
    root = f"{prefix}error_tracking/{kind.name}/"
    assert {path for path in described["paths"] if path.startswith(root)} == {root + below for below in OPERATIONS}
    for below, methods in OPERATIONS.items():
        operations = described["paths"][root + below]
        assert set(operations) == set(methods)
        for method, (name, scope) in methods.items():
            assert operations[method]["operationId"] == f"{before}error_tracking_{kind.name}_{name}"
            assert operations[method]["security"] == [{"PersonalAPIKeyAuth": [f"error_tracking:{scope}"]}]


@of_every_kind
def test_a_rule_has_the_fields_of_the_contract_each_always_there(described: dict[str, Any], kind: Kind) -> None:
    found = described["components"]["schemas"][component(kind)]
    assert set(found["properties"]) == set(found["required"]) == COMMON | SHOWN[kind.name]


@of_every_kind
def test_bodies_are_json_only(described: dict[str, Any], kind: Kind) -> None:
    """A form cannot hold filters."""
    paths = [path for path in described["paths"] if f"/{kind.name}/" in path]
    bodies = [o["requestBody"] for path in paths for o in described["paths"][path].values() if "requestBody" in o]
    assert len(bodies) == 10
    assert all(list(body["content"]) == ["application/json"] for body in bodies)


def test_the_list_of_grouping_rules_has_results_alone_and_no_pages(described: dict[str, Any]) -> None:
    operation = described["paths"]["/api/projects/{project_id}/error_tracking/grouping_rules/"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["project_id"]
    reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith("/ErrorTrackingGroupingRuleListResponse")
    answered = described["components"]["schemas"]["ErrorTrackingGroupingRuleListResponse"]
    assert (list(answered["properties"]), answered["required"]) == (["results"], ["results"])


@of_every_kind
def test_filters_are_one_type_in_requests_and_answers(described: dict[str, Any], kind: Kind) -> None:
    """Only assignment rules see the issue."""
    name = "AssignmentPropertyGroupFilterValue" if kind.name == "assignment_rules" else "PropertyGroupFilterValue"
    for ending in ("", "CreateRequest", "UpdateRequest"):
        field = described["components"]["schemas"][component(kind, ending)]["properties"]["filters"]
        assert field["allOf"] == [{"$ref": f"#/components/schemas/{name}"}]


def validator(described: dict[str, Any], name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": described["components"]})


@pytest.mark.parametrize("name", ["PropertyGroupFilterValue", "AssignmentPropertyGroupFilterValue"])
def test_the_description_of_filters_knows_good_ones_and_bad_ones(described: dict[str, Any], name: str) -> None:
    known = validator(described, name)
    for good in (TIMEOUTS, OTHERS, {"type": "OR", "values": [{"key": "host", "operator": "is_set"}]}):
        assert known.is_valid(good)
    for bad in (
        {},
        {"type": "XOR", "values": []},
        {"type": "AND", "values": [{"key": "host", "operator": "like", "value": 1}]},
        {"type": "AND", "values": [{"operator": "exact", "value": 1}]},
        {"type": "AND", "values": [{"key": "x" * (limits.MAX_KEY + 1), "value": 1}]},
        {"type": "AND", "values": [{"key": "host", "value": 1, "negation": True}]},
    ):
        assert not known.is_valid(bad)


def test_the_issue_is_for_assignment_rules(described: dict[str, Any]) -> None:
    filters = {"type": "AND", "values": [{"key": "status", "type": "error_tracking_issue", "value": "resolved"}]}
    assert validator(described, "AssignmentPropertyGroupFilterValue").is_valid(filters)
    assert not validator(described, "PropertyGroupFilterValue").is_valid(filters)


def test_choices_have_names(described: dict[str, Any]) -> None:
    """Not numbered ones, which change with every other type that somebody adds."""
    known = described["components"]["schemas"]
    assert known["AssigneeTypeEnum"]["enum"] == ["user", "role"]
    assert known["FilterLogicalOperatorEnum"]["enum"] == ["AND", "OR"]
    assert len(known["FilterOperatorEnum"]["enum"]) == 14
    assert [kind.name for kind in KINDS if component(kind) not in known] == []
