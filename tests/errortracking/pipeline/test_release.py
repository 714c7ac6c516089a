"""The release of an event, as far as the event tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from errortracking.models import release_metadata
from errortracking.pipeline import release
from errortracking.pipeline.exceptions import Json, JsonObject

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["release_hash"]
ID = "0198f0c2-7d5e-7c4a-9b1f-0123456789ab"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["version"] for vector in VECTORS])
def test_a_release_is_hashed_over_project_and_version(vector: dict[str, str]) -> None:
    assert release.hash_id(vector["project"], vector["version"]) == vector["hash_id"]


@pytest.mark.parametrize(
    ("version", "build", "packed"),
    [
        ("1.0", "42", "1.0+42"),
        ("2.3", None, "2.3"),
        (None, "99", "99"),
        (None, None, None),
        ("1.0", 1, "1.0+1"),
        (2, 1.5, "2+1.5"),
        (None, 20261122123456, "20261122123456"),
        (0, 2.0, "0+2.0"),
        (True, [1], None),
    ],
)
def test_version_and_build_are_packed_into_one(version: Json, build: Json, packed: str | None) -> None:
    assert release.packed_version(version, build) == packed


def test_an_event_may_name_its_release_by_id_and_by_application_and_version() -> None:
    assert release.reference({"$release_id": ID}) == release.ReleaseReference(id=UUID(ID))
    both = release.reference({"$release_id": ID, "$app_namespace": "com.example.app", "$app_version": "2.3"})
    assert both.id == UUID(ID)
    assert both.hash_id is not None
    assert both.hash_id.startswith("09aeeb69b9149855")


@pytest.mark.parametrize("given", [None, "no uuid", 7, ""])
def test_without_a_usable_id_the_application_and_its_version_tell(given: Json) -> None:
    properties: JsonObject = {"$release_id": given, "$app_namespace": "com.example.app", "$app_version": "2.3"}
    hash_id = release.reference(properties).hash_id
    assert hash_id is not None
    assert hash_id.startswith("09aeeb69b9149855")


def test_a_build_number_hashes_as_its_text() -> None:
    properties: JsonObject = {"$app_namespace": "com.posthog.iosraw", "$app_version": "1.0", "$app_build": 1}
    hash_id = release.reference(properties).hash_id
    assert hash_id is not None
    assert hash_id.startswith("75605cac5268ba4b")


@pytest.mark.parametrize(
    "properties", [{}, {"$app_version": "1.0"}, {"$app_namespace": "a"}, {"$app_namespace": 1, "$app_version": "1"}]
)
def test_an_event_that_tells_nothing_names_no_release(properties: JsonObject) -> None:
    assert release.reference(properties) == release.ReleaseReference()


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (
            "https://x-access-token:secret@github.com/example/repo.git?token=q#access=f",
            "https://github.com/example/repo.git",
        ),
        ("https://github.com/example/repo.git", "https://github.com/example/repo.git"),
        ("ssh://git@github.com:22/example/repo.git", "ssh://github.com:22/example/repo.git"),
        ("https://user:p@ss@host/x", "https://host/x"),
        ("https://host/path@with/at", "https://host/path@with/at"),
        ("git@github.com:example/repo.git", "git@github.com:example/repo.git"),
        ("user:secret@host:example/repo.git", "host:example/repo.git"),
        (" https://token@host/x\n", "https://host/x"),
        ("//token@host/x", "//host/x"),
        ("git+HTTPS://token@host/x", "git+HTTPS://host/x"),
        (" git@host:x", "git@host:x"),
        ("", ""),
    ],
)
def test_credentials_are_stripped_from_a_repository_url(url: str, clean: str) -> None:
    assert release_metadata.clean_url(url) == clean


def test_only_the_remote_url_of_metadata_changes_and_what_was_given_does_not() -> None:
    metadata: JsonObject = {"git": {"commit_id": "abc", "remote_url": "https://t@h/r"}, "build": 1}
    assert release_metadata.without_credentials(metadata) == {
        "git": {"commit_id": "abc", "remote_url": "https://h/r"},
        "build": 1,
    }
    assert metadata["git"] == {"commit_id": "abc", "remote_url": "https://t@h/r"}


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"git": None},
        {"git": "x"},
        {"git": [1]},
        {"git": {"remote_url": 5}},
        {"git": {}},
        [1],
        "https://t@h/r",
        5,
        1.5,
        True,
    ],
)
def test_metadata_of_another_shape_stays_as_it_is(metadata: Json) -> None:
    assert release_metadata.without_credentials(metadata) == metadata


def test_the_release_that_an_event_shows() -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert release.output("app", "1.2.3", created, {"git": {"remote_url": "https://t@h/r"}}) == {
        "version": "1.2.3",
        "project": "app",
        "timestamp": "2026-01-02T03:04:05Z",
        "metadata": {"git": {"remote_url": "https://h/r"}},
    }
    assert "metadata" not in release.output("app", "1", created, None)


@pytest.mark.parametrize("metadata", [[1], "text", 5, True])
def test_an_event_shows_metadata_of_any_shape(metadata: Json) -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert release.output("app", "1.2.3", created, metadata)["metadata"] == metadata


def test_large_metadata_stay_with_the_release() -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    # The quotes of the text are two of the bytes.
    assert "metadata" in release.output("app", "1.2.3", created, "x" * (16 * 1024 - 2))
    assert "metadata" not in release.output("app", "1.2.3", created, "x" * (16 * 1024 - 1))


def test_of_a_long_version_or_project_the_beginning_is_shown() -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    shown = release.output("é" * 1_001, "x" * 1_001, created, None)
    assert (shown["project"], shown["version"]) == ("é" * 1_000, "x" * 1_000)
    shown = release.output("é" * 1_000, "x" * 1_000, created, None)
    assert (shown["project"], shown["version"]) == ("é" * 1_000, "x" * 1_000)
