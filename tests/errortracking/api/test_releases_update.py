"""PATCH and PUT …/releases/{id}/ (contract 4): the same in all they do, so every test runs for both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errortracking.models import Release
from tests.environments.world import NOT_FOUND, Api, World, answer, error
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN, make_release, shown_release

EMPTY = (204, None)


@pytest.fixture(params=["PATCH", "PUT"])
def method(request: pytest.FixtureRequest) -> str:
    """4: PUT is identical to PATCH."""
    return str(request.param)


@pytest.fixture
def release(world: World) -> Release:
    return make_release(world.project, hash_id="abc", metadata={"git": {"branch": "main"}})


def invalid(detail: str, attr: str | None = None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


def test_the_answer_is_empty(releases: Api, release: Release, method: str) -> None:
    """4 and 11.6: 204 empty."""
    response = releases.request(method, f"{release.id}/", {"version": "2"})
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response


def test_every_field_can_be_changed(releases: Api, release: Release, method: str) -> None:
    """4, PATCH: what is truthy changes."""
    changes = {"version": "2", "project": "api", "hash_id": "def", "metadata": {"a": [1]}}
    assert answer(releases.request(method, f"{release.id}/", changes)) == EMPTY
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release) | changes)


@pytest.mark.parametrize("field", ["version", "project", "hash_id", "metadata"])
@pytest.mark.parametrize("value", [None, "", {}, [], 0, False])
def test_only_truthy_values_change_anything(
    releases: Api, release: Release, method: str, field: str, value: Any
) -> None:
    """4: null, "", {}, [] and 0 keep, so metadata cannot be cleared."""
    assert answer(releases.request(method, f"{release.id}/", {field: value})) == EMPTY
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release))


@pytest.mark.parametrize("body", [None, {}, {"id": UNKNOWN, "team_id": 1, "created_at": "x", "other": 1}])
def test_nothing_to_change_is_a_204(releases: Api, release: Release, method: str, body: Any) -> None:
    """4: `{}` → 204; extra keys ignored."""
    assert answer(releases.request(method, f"{release.id}/", body)) == EMPTY
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release))


def test_the_same_hash_is_no_change(releases: Api, release: Release, method: str) -> None:
    """4: same hash as now = no change."""
    body = {"hash_id": "abc", "version": "2"}
    assert answer(releases.request(method, f"{release.id}/", body)) == EMPTY
    assert answer(releases.get(f"{release.id}/"))[1]["version"] == "2"


def test_a_taken_hash_is_a_400_and_changes_nothing(world: World, releases: Api, release: Release, method: str) -> None:
    """4, PATCH: taken hash → 400 `release_hash_in_use`."""
    make_release(world.project, hash_id="taken")
    body = {"hash_id": "taken", "version": "2"}
    expected = invalid("Hash id taken already in use", None, "release_hash_in_use")
    assert answer(releases.request(method, f"{release.id}/", body)) == expected
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release))


def test_a_hash_that_another_project_uses_is_free(
    stranger: World, releases: Api, release: Release, method: str
) -> None:
    make_release(stranger.project, hash_id="theirs")
    assert answer(releases.request(method, f"{release.id}/", {"hash_id": "theirs"})) == EMPTY


def test_a_long_hash_is_a_400_even_for_an_unknown_id(releases: Api, release: Release, method: str) -> None:
    """4: too long hash → 400 even for an unknown id."""
    for release_id in (release.id, UNKNOWN, "x"):
        expected = invalid("Hash id length cannot exceed 128 bytes")
        assert answer(releases.request(method, f"{release_id}/", {"hash_id": "x" * 129})) == expected
    assert answer(releases.request(method, f"{release.id}/", {"hash_id": "é" * 128})) == EMPTY


@pytest.mark.parametrize("release_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(releases: Api, method: str, release_id: str) -> None:
    """4, PATCH: unknown id → 404; decision table: malformed uuid in a path."""
    assert answer(releases.request(method, f"{release_id}/", {"version": "2"})) == (404, NOT_FOUND)


def test_a_foreign_release_is_not_found_and_unchanged(stranger: World, releases: Api, method: str) -> None:
    foreign = make_release(stranger.project)
    assert answer(releases.request(method, f"{foreign.id}/", {"version": "2"})) == (404, NOT_FOUND)
    foreign.refresh_from_db()
    assert foreign.version == "1.0"


def test_numbers_become_text(releases: Api, release: Release, method: str) -> None:
    """4, POST and PATCH: numbers are turned into strings."""
    body = {"version": 2, "project": 1.5, "hash_id": 7}
    assert answer(releases.request(method, f"{release.id}/", body)) == EMPTY
    expected = shown_release(release) | {"version": "2", "project": "1.5", "hash_id": "7"}
    assert answer(releases.get(f"{release.id}/")) == (200, expected)


def test_metadata_is_replaced_as_a_whole_and_cleaned(releases: Api, release: Release, method: str) -> None:
    """4, later: on create and update."""
    body = {"metadata": {"git": {"remote_url": "https://u:p@example.com/a?b#c"}}}
    assert answer(releases.request(method, f"{release.id}/", body)) == EMPTY
    shown = answer(releases.get(f"{release.id}/"))[1]["metadata"]
    assert shown == {"git": {"remote_url": "https://example.com/a"}}


@pytest.mark.parametrize("field", ["version", "project", "hash_id", "metadata"])
def test_what_cannot_be_stored_is_a_400_that_names_the_field(
    releases: Api, release: Release, method: str, field: str
) -> None:
    """Decision table: NUL characters, lone surrogates in an API write."""
    nul = invalid("Null characters are not allowed.", field, "null_characters_not_allowed")
    assert answer(releases.request(method, f"{release.id}/", {field: "a\0"})) == nul
    surrogate = invalid("Surrogate characters are not allowed: U+D800.", field, "surrogate_characters_not_allowed")
    assert answer(releases.request(method, f"{release.id}/", {field: "\ud800"})) == surrogate


@pytest.mark.parametrize("field", ["version", "project"])
def test_a_text_beyond_the_limit_is_a_400_and_changes_nothing(
    releases: Api, release: Release, method: str, field: str
) -> None:
    """As in a new release."""
    expected = invalid("Ensure this field has no more than 100000 characters.", field, "max_length")
    assert answer(releases.request(method, f"{release.id}/", {field: "x" * 100_001})) == expected
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release))


@pytest.mark.parametrize("field", ["version", "project", "hash_id"])
def test_what_is_neither_text_nor_number_is_a_400(releases: Api, release: Release, method: str, field: str) -> None:
    expected = invalid("Not a valid string.", field)
    assert answer(releases.request(method, f"{release.id}/", {field: ["x"]})) == expected


def test_a_form_changes_a_release(releases: Api, release: Release, method: str) -> None:
    form = "application/x-www-form-urlencoded"
    assert answer(releases.request(method, f"{release.id}/", b"version=2", content_type=form)) == EMPTY
    assert answer(releases.get(f"{release.id}/"))[1]["version"] == "2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(["version", "project", "hash_id", "metadata"], JSON))
)
def test_any_json_is_stored_or_refused(releases: Api, release: Release, method: str, body: Any) -> None:
    assert releases.request(method, f"{release.id}/", body).status_code in {204, 400}
    assert releases.get(f"{release.id}/").status_code == 200
