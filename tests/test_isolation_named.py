"""Whether the cases of ``isolation_named`` are all there are: held against the schema of the API."""

from __future__ import annotations

from typing import Any

import pytest

from environments.api.schema import Generator
from tests.isolation_named import ELSEWHERE, NAMED, NEUTRAL, covered, places

Place = tuple[str, str, str]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = Generator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return found


def last(place: Place) -> str:
    return place[2].removesuffix(".*").rpartition(".")[2]


def test_every_field_and_filter_that_can_name_something_has_a_case_or_a_reason(schema: dict[str, Any]) -> None:
    open_places = {place for place in places(schema) - covered() - ELSEWHERE if last(place) not in NEUTRAL}
    assert sorted(open_places) == []


def test_every_case_is_about_a_place_of_the_schema(schema: dict[str, Any]) -> None:
    read_only = {("PATCH", "error_tracking/releases/{id}/", "id"), ("PATCH", "health_issues/{id}/", "id")}
    assert sorted(covered() - places(schema) - read_only) == []


def test_a_uuid_needs_a_case_whatever_it_is_called(schema: dict[str, Any]) -> None:
    assert not [name for name in NEUTRAL if name in {"id", "ids", "release_id", "issue", "operation"}]
    assert len(places(schema)) > 100
    assert len(covered()) >= 25
    assert len(NAMED) > 40


def test_a_new_field_without_a_case_is_found(schema: dict[str, Any]) -> None:
    body = {"type": "object", "properties": {"owner": {"type": "array", "items": {"type": "string", "format": "uuid"}}}}
    operation = {
        "parameters": [{"in": "query", "name": "team_id", "schema": {"type": "integer"}}],
        "requestBody": {"content": {"application/json": {"schema": body}}},
    }
    new = {**schema, "paths": {"/api/projects/{project_id}/things/": {"post": operation}}}
    assert places(new) == {("POST", "things/", "owner"), ("POST", "things/", "team_id")}
