"""What the API's description says to a reader who has never seen the code: everything in it is explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

METHODS = ("get", "post", "put", "patch", "delete")
# Fields that may hold a text that came from an event or from a client, by the name of their component.
UNTRUSTED = {
    "AlertDelivery": {"title", "excerpt"},
    "Error": {"detail", "attr"},
    "ErrorTrackingAssignmentRule": {"disabled_data"},
    "ErrorTrackingBypassRule": {"disabled_data"},
    "ErrorTrackingGroupingRule": {"disabled_data"},
    "ErrorTrackingGroupingRuleIssue": {"name"},
    "ErrorTrackingIssueEvent": {
        "distinct_id",
        "sdk",
        "sdk_version",
        "user_agent",
        "release",
        "exceptions",
        "properties",
    },
    "ErrorTrackingIssueEventException": {"type", "value", "module", "mechanism"},
    "ErrorTrackingIssueEventFrame": {"raw_id", "contents", "context", "code_variables"},
    "ErrorTrackingIssueEventGrouping": {"fingerprint"},
    "ErrorTrackingIssueEventRelease": {"project", "version", "metadata"},
    "ErrorTrackingRecommendation": {"meta"},
    "ErrorTrackingRelease": {"hash_id", "metadata", "version", "project"},
    "ErrorTrackingSpikeEventIssue": {"name", "description"},
    "ErrorTrackingStackFrame": {"raw_id", "contents", "context", "symbol_set_ref", "release"},
    "ErrorTrackingSuppressionRule": {"disabled_data"},
    "HealthIssue": {"payload"},
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(Client().get("/api/schema/?format=json").content)  # type: ignore[no-any-return]


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method} {path}", operation


def says_something(text: str | None) -> bool:
    """Whether it is at least a few words, and none of Django REST framework's own."""
    return len((text or "").split()) >= 3 and "initial index" not in (text or "") and "api.example" not in (text or "")


def test_every_field_is_explained(schema: Any) -> None:
    """Of requests, answers, pages and errors alike."""
    components = schema["components"]["schemas"]
    dumb = [
        f"{component}.{name}"
        for component, described in components.items()
        for name, field in described.get("properties", {}).items()
        if not says_something(field.get("description"))
    ]
    assert len(components) > 15
    assert dumb == []


def test_every_operation_and_parameter_is_explained(schema: Any) -> None:
    dumb = []
    for name, operation in operations(schema):
        if not says_something(operation.get("description")):
            dumb.append(name)
        dumb += [f"{name} {p['name']}" for p in operation.get("parameters", []) if not says_something(p["description"])]
    assert dumb == []


def test_no_operation_speaks_of_objects_where_it_has_a_word_for_them(schema: Any) -> None:
    """A text that all lists share says nothing."""
    assert [name for name, o in operations(schema) if "the project's objects" in o["description"]] == []
    assert [name for name, o in operations(schema) if o["description"].startswith("Return one object")] == []


def test_every_error_is_explained(schema: Any) -> None:
    for name, operation in operations(schema):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert says_something(response["description"]), (name, status)


def test_every_error_that_may_come_is_described(schema: Any) -> None:
    """1.4: the table's statuses; 500 is a defect."""
    read = {"400", "401", "403", "404", "406", "429", "503"}
    for name, operation in operations(schema):
        errors = {status for status in operation["responses"] if status >= "400"} - {"405"}
        assert errors == (read if name.startswith("get") else read | {"409", "413", "415"}), name


def test_an_example_of_a_link_is_one_of_this_api(schema: Any) -> None:
    pages = {name: c for name, c in schema["components"]["schemas"].items() if name.startswith("Paginated")}
    assert len(pages) >= 5
    for page in pages.values():
        for link in ("next", "previous"):
            assert "/api/projects/" in page["properties"][link]["example"]


def test_a_page_says_how_long_it_is(schema: Any) -> None:
    """1.5: default 100 and at most 10 000; health issues 50 and 250; events, which are large, 20 and 100."""
    limits = {
        name: parameter["description"]
        for name, operation in operations(schema)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "limit"
    }
    assert len(limits) >= 12
    for name, text in limits.items():
        if "spike_detection_config" in name:
            assert "one object" in text
        else:
            numbers = ("50", "250") if "health_issues" in name else ("100", "10000")
            if "/events/" in name:
                numbers = ("20", "100")
            if "/symbol_sets/" in name:
                numbers = ("100", "100")
            if "/activity/" in name:
                numbers = ("10", "100")
            assert f"{numbers[0]} unless" in text
            assert f"at most {numbers[1]}" in text


@pytest.mark.parametrize("component", UNTRUSTED)
def test_text_from_events_and_clients_is_labelled_untrusted(schema: Any, component: str) -> None:
    fields = schema["components"]["schemas"][component]["properties"]
    for name in UNTRUSTED[component]:
        assert "untrusted" in fields[name]["description"].lower(), name


def test_the_whole_description_says_what_untrusted_means(schema: Any) -> None:
    assert "untrusted" in schema["info"]["description"]
    assert "escape" in schema["info"]["description"].lower()
