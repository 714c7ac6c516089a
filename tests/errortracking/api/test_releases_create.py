"""POST …/releases/ (contract 4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments import clock
from environments.api.inputs import MAX_JSON
from errortracking.models import Release
from tests.environments.world import Api, World, answer, error
from tests.errortracking.api.making import make_release

FORM = "application/x-www-form-urlencoded"
HALF_PAST = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def invalid(detail: str, attr: str | None = None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


def created(releases: Api, **fields: Any) -> dict[str, Any]:
    status, body = answer(releases.post("", {"version": "1.0", "project": "web"} | fields))
    assert status == 201, body
    return dict(body)


def refused(releases: Api, **fields: Any) -> tuple[int, Any]:
    return answer(releases.post("", {"version": "1.0", "project": "web"} | fields))


def test_a_release_is_created_and_shown(world: World, releases: Api) -> None:
    """4: 201 with the object."""
    body = {"version": "1.0", "project": "web", "hash_id": "abc", "metadata": {"git": {"branch": "main"}}}
    with clock.stopped_at(HALF_PAST):
        status, shown = answer(releases.post("", body))
    assert status == 201
    assert shown == body | {
        "id": shown["id"],
        "team_id": world.project.pk,
        "created_at": "2026-03-01T12:30:00Z",
    }
    assert list(shown) == ["id", "hash_id", "team_id", "created_at", "metadata", "version", "project"]
    assert UUID(shown["id"]).version == 7
    assert answer(releases.get(f"{shown['id']}/")) == (200, shown)
    assert Release.objects.get(environment=world.project).hash_id == "abc"


# ---- the checks, in their order


@pytest.mark.parametrize("version", [None, "", 0, False, [], {}, 0.0])
def test_a_missing_version_is_reported_first(releases: Api, version: Any) -> None:
    """4: version falsy; `0`, "" and null count as missing."""
    body = {"version": version, "project": "", "hash_id": "x" * 200}
    assert answer(releases.post("", body)) == invalid("Version is required")
    assert answer(releases.post("", {})) == invalid("Version is required")


@pytest.mark.parametrize("project", [None, "", 0, False, [], {}, 0.0])
def test_a_missing_project_is_reported_second(releases: Api, project: Any) -> None:
    """4, POST: project falsy → `Project is required`."""
    body = {"version": "1", "project": project, "hash_id": "x" * 200}
    assert answer(releases.post("", body)) == invalid("Project is required")
    assert answer(releases.post("", {"version": "1"})) == invalid("Project is required")


def test_a_long_hash_is_reported_third(world: World, releases: Api) -> None:
    """4: hash longer than 128; characters are counted though the text says bytes."""
    make_release(world.project, hash_id="x" * 128)
    assert refused(releases, hash_id="x" * 129) == invalid("Hash id length cannot exceed 128 bytes")
    assert created(releases, hash_id="é" * 128)["hash_id"] == "é" * 128


def test_a_taken_hash_is_reported_last(world: World, releases: Api) -> None:
    """4 and 11.16: code `release_hash_in_use`, attr null; posthog-cli looks for `already in use`."""
    make_release(world.project, hash_id="abc")
    assert refused(releases, hash_id="abc") == invalid("Hash id abc already in use", None, "release_hash_in_use")
    assert Release.objects.filter(environment=world.project).count() == 1
    assert created(releases, hash_id="abcd")["hash_id"] == "abcd"


def test_another_projects_hash_is_free(stranger: World, releases: Api) -> None:
    """4, hash_id: unique per team."""
    make_release(stranger.project, hash_id="abc")
    assert created(releases, hash_id="abc")["hash_id"] == "abc"


# ---- what becomes of the values


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.5, "1.5"), (-7, "-7"), (10**50, "1" + "0" * 50), ("  1 ", "  1 "), ("0", "0"), ("💥\n", "💥\n")],
)
def test_numbers_become_text_and_texts_are_not_trimmed(releases: Api, value: Any, text: str) -> None:
    """4: numbers are turned into strings, strings are not trimmed."""
    shown = created(releases, version=value, project=value, hash_id=value)
    assert (shown["version"], shown["project"], shown["hash_id"]) == (text, text, text)


def test_extra_keys_are_ignored(releases: Api, world: World) -> None:
    """4: extra keys ignored."""
    fixed = {"id": "00000000-0000-7000-8000-000000000000", "team_id": 1, "created_at": "x", "nonsense": [1]}
    shown = created(releases, **fixed)
    assert shown["id"] != fixed["id"]
    assert shown["team_id"] == world.project.pk


@pytest.mark.parametrize("hash_id", [None, "", 0, False, [], {}])
def test_without_hash_it_is_the_id(releases: Api, hash_id: Any) -> None:
    """4: missing or falsy hash_id."""
    shown = created(releases, hash_id=hash_id)
    assert shown["hash_id"] == shown["id"]
    body = answer(releases.post("", {"version": "1", "project": "web"}))[1]
    assert body["hash_id"] == body["id"]


@pytest.mark.parametrize("metadata", [None, {}, [], 0, False, "", "text", [1, {"a": []}], 1e20, {"": {"n": 2**70}}])
def test_metadata_is_stored_as_it_is(releases: Api, metadata: Any) -> None:
    """4: any JSON is stored as is."""
    assert created(releases, metadata=metadata)["metadata"] == metadata


def test_without_metadata_it_is_null(releases: Api) -> None:
    """4, metadata: object or null."""
    assert created(releases)["metadata"] is None


@pytest.mark.parametrize("field", ["version", "project"])
def test_a_text_of_a_hundred_thousand_characters_is_the_most(releases: Api, field: str) -> None:
    """4: upstream has no limit of length. A hundred versions of 20 MB would make a page of two gigabytes."""
    assert created(releases, **{field: "é" * 100_000})[field] == "é" * 100_000
    expected = invalid("Ensure this field has no more than 100000 characters.", field, "max_length")
    assert refused(releases, **{field: "é" * 100_001}) == expected


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:secret@github.com/a/b.git?token=x#main", "https://github.com/a/b.git"),
        ("https://x-access-token:ghs_abc@github.com/a/b", "https://github.com/a/b"),
        ("https://github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://a@b:c@github.com/a", "https://github.com/a"),
        ("https://github.com/a/b@c", "https://github.com/a/b@c"),
        ("https://user@[::1]:8443/a?x", "https://[::1]:8443/a"),
        ("https://[broken/a?x", "https://[broken/a"),
        ("HTTPS://User:Pw@Example.com", "HTTPS://Example.com"),
        ("ssh://git@github.com:22/a/b.git", "ssh://github.com:22/a/b.git"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("user:secret@github.com/a", "github.com/a"),
        ("https://github.com/a#user:secret@x", "https://github.com/a"),
        ("/srv/git/a.git?x", "/srv/git/a.git"),
        ("", ""),
    ],
)
def test_secrets_are_stripped_from_the_git_remote(releases: Api, url: str, kept: str) -> None:
    """4, later: user-info, query and fragment are stripped from `metadata.git.remote_url`."""
    metadata = {"git": {"remote_url": url, "branch": "a?b#c"}, "remote_url": "https://u:p@x"}
    shown = created(releases, metadata=metadata)["metadata"]
    assert shown == {"git": {"remote_url": kept, "branch": "a?b#c"}, "remote_url": "https://u:p@x"}


@pytest.mark.parametrize(
    "metadata", [{"git": None}, {"git": []}, {"git": {"remote_url": 7}}, {"git": "https://u:p@x"}, [1]]
)
def test_metadata_of_another_shape_has_no_remote(releases: Api, metadata: Any) -> None:
    assert created(releases, metadata=metadata)["metadata"] == metadata


def test_a_form_creates_a_release(releases: Api) -> None:
    response = releases.post("", b"version=1&project=web&hash_id=abc&version=2", content_type=FORM)
    status, shown = answer(response)
    assert (status, shown["version"], shown["hash_id"], shown["metadata"]) == (201, "2", "abc", None)


def test_multipart_creates_a_release(releases: Api) -> None:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("version", "1"), ("project", "web"), ("metadata", '{"a": 1}'))
    )
    response = releases.post("", f"{parts}--b--\r\n".encode(), content_type="multipart/form-data; boundary=b")
    status, shown = answer(response)
    assert (status, shown["metadata"]) == (201, '{"a": 1}')


# ---- what cannot be stored


@pytest.mark.parametrize("field", ["version", "project", "hash_id"])
def test_nul_and_surrogates_in_texts_are_a_400_that_names_the_field(releases: Api, field: str) -> None:
    """Decision table: NUL characters, lone surrogates in an API write."""
    nul = invalid("Null characters are not allowed.", field, "null_characters_not_allowed")
    surrogate = invalid("Surrogate characters are not allowed: U+DFFF.", field, "surrogate_characters_not_allowed")
    assert refused(releases, **{field: "a\0b"}) == nul
    assert refused(releases, **{field: "a\udfffb"}) == surrogate


@pytest.mark.parametrize("field", ["version", "project", "hash_id"])
@pytest.mark.parametrize("value", [True, ["1"], {"a": 1}])
def test_what_is_neither_text_nor_number_is_a_400(releases: Api, field: str, value: Any) -> None:
    assert refused(releases, **{field: value}) == invalid("Not a valid string.", field)


def test_a_number_beyond_all_floats_is_a_400(releases: Api) -> None:
    body = b'{"version": 1e999, "project": "web"}'
    assert answer(releases.post("", body)) == invalid("Not a valid string.", "version")


@pytest.mark.parametrize("metadata", ["\0", {"a": ["x\0y"]}, {"k\0": 1}, ["\\\0"], [["\\\\\0"]]])
def test_nul_anywhere_in_metadata_is_a_400(releases: Api, metadata: Any) -> None:
    expected = invalid("Null characters are not allowed.", "metadata", "null_characters_not_allowed")
    assert refused(releases, metadata=metadata) == expected


@pytest.mark.parametrize("metadata", ["\\u0000", {"a": "\\\\u0000"}, {"u0000": "\\"}])
def test_a_text_about_nul_is_none(releases: Api, metadata: Any) -> None:
    assert created(releases, metadata=metadata)["metadata"] == metadata


@pytest.mark.parametrize("metadata", ["\ud800", {"a": ["x\ud800y"]}, {"k\ud800": 1}])
def test_a_surrogate_anywhere_in_metadata_is_a_400(releases: Api, metadata: Any) -> None:
    text = "Surrogate characters are not allowed: U+D800."
    assert refused(releases, metadata=metadata) == invalid(text, "metadata", "surrogate_characters_not_allowed")


def test_a_number_beyond_all_floats_in_metadata_is_a_400(releases: Api) -> None:
    body = b'{"version": "1", "project": "web", "metadata": {"a": [1e999]}}'
    assert answer(releases.post("", body)) == invalid("Value must be valid JSON.", "metadata")


def test_metadata_of_a_mebibyte_is_the_most(releases: Api) -> None:
    expected = invalid("Ensure this field has no more than 1048576 bytes.", "metadata", "max_length")
    assert MAX_JSON == 1_048_576
    assert refused(releases, metadata="x" * (MAX_JSON - 1)) == expected
    assert created(releases, metadata="x" * (MAX_JSON - 2))["metadata"] == "x" * (MAX_JSON - 2)


def test_a_body_that_is_no_object_is_a_400(releases: Api) -> None:
    expected = invalid("Invalid data. Expected a dictionary, but got list.")
    assert answer(releases.post("", [{"version": "1"}])) == expected


def test_a_refused_release_is_not_there(world: World, releases: Api) -> None:
    refused(releases, metadata="\0")
    refused(releases, hash_id="x" * 129)
    assert not Release.objects.filter(environment=world.project).exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(version=JSON, project=JSON, hash_id=JSON, metadata=JSON)
def test_any_json_in_the_fields_is_stored_or_refused(
    releases: Api, version: Any, project: Any, hash_id: Any, metadata: Any
) -> None:
    body = {"version": version, "project": project, "hash_id": hash_id, "metadata": metadata}
    status, shown = answer(releases.post("", body))
    assert status in {201, 400}
    if status == 201 and not (isinstance(metadata, dict) and "git" in metadata):
        assert shown["metadata"] == metadata


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
def test_any_json_as_body_is_stored_or_refused(releases: Api, body: Any) -> None:
    assert releases.post("", body).status_code in {201, 400}
