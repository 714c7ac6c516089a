"""The release of an event: by its id, by the application's version, or by the symbol sets of its frames."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha512
from typing import Any
from uuid import UUID

from environments.models import Project
from errortracking.models import Release, SymbolSet
from tests.errortracking.pipeline.making import NOON, entry, exception, make_project, send, stored

WEB_FRAME = {"platform": "web:javascript", "function": "t", "lineno": 1, "colno": 4711}


def make(project: Project, version: str, **fields: Any) -> Release:
    return Release.objects.create(
        environment_id=project.id,
        **{"hash_id": version, "version": version, "project": "shop", "created_at": NOON, **fields},
    )


def release_of(project: Project, *frames: dict[str, Any], **properties: Any) -> Any:
    event = entry(exception(frames=frames or None), properties=properties)
    send(project, event)
    return stored(project, event["uuid"])["properties"].get("$exception_release")


def test_a_release_id_names_the_release(project: Project) -> None:
    metadata = {"git": {"remote_url": "https://user:secret@git.example/shop.git", "branch": "main"}}
    release = make(project, "1.2", metadata=metadata)

    assert release_of(project, **{"$release_id": str(release.id)}) == {
        "version": "1.2",
        "project": "shop",
        "timestamp": "2026-11-22T12:00:00Z",
        "metadata": {"git": {"remote_url": "https://git.example/shop.git", "branch": "main"}},
    }


def test_an_application_and_its_version_name_the_release_by_their_hash(project: Project) -> None:
    hash_id = sha512(b"com.example.app2.3+42").hexdigest()
    make(project, "2.3+42", hash_id=hash_id)

    words = {"$app_namespace": "com.example.app", "$app_version": "2.3", "$app_build": 42}
    assert release_of(project, **words)["version"] == "2.3+42"


def test_without_a_word_of_its_own_it_is_the_newest_release_of_the_frames_symbol_sets(project: Project) -> None:
    old, new = make(project, "1"), make(project, "2", created_at=NOON + timedelta(hours=1))
    make(project, "3", created_at=NOON + timedelta(hours=2))  # of no symbol set that is used
    for ref, release in (("a", new), ("b", old)):
        SymbolSet.objects.create(environment_id=project.id, ref=ref, release=release)
    SymbolSet.objects.create(environment_id=project.id, ref="c")

    frames = [{**WEB_FRAME, "chunk_id": ref, "function": ref} for ref in ("c", "a", "b")]
    assert release_of(project, *frames)["version"] == "2"


UNKNOWN = "0190f5a0-0000-7000-8000-00000000dead"


def test_an_unknown_release_id_gives_way_to_the_application_and_its_version(project: Project) -> None:
    make(project, "2.3", hash_id=sha512(b"com.example.app2.3").hexdigest())
    SymbolSet.objects.create(environment_id=project.id, ref="a", release=make(project, "1"))

    words = {"$release_id": UNKNOWN, "$app_namespace": "com.example.app", "$app_version": "2.3"}
    assert release_of(project, {**WEB_FRAME, "chunk_id": "a"}, **words)["version"] == "2.3"


def test_a_known_release_id_goes_before_the_application_and_its_version(project: Project) -> None:
    make(project, "2.3", hash_id=sha512(b"com.example.app2.3").hexdigest())
    named = make(project, "1")

    words = {"$release_id": str(named.id), "$app_namespace": "com.example.app", "$app_version": "2.3"}
    assert release_of(project, **words)["version"] == "1"


def test_an_unknown_application_gives_way_to_the_symbol_sets(project: Project) -> None:
    SymbolSet.objects.create(environment_id=project.id, ref="a", release=make(project, "1"))

    words = {"$app_namespace": "com.example.app", "$app_version": "2.3"}
    assert release_of(project, {**WEB_FRAME, "chunk_id": "a"}, **words)["version"] == "1"


def test_of_releases_made_at_the_same_moment_the_one_with_the_larger_id_counts(project: Project) -> None:
    low, high = (make(project, version, id=UUID(int=number)) for version, number in (("low", 7), ("high", 9)))
    for ref, release in (("a", low), ("b", high), ("c", low)):
        SymbolSet.objects.create(environment_id=project.id, ref=ref, release=release)

    frames = [{**WEB_FRAME, "chunk_id": ref, "function": ref} for ref in ("a", "b", "c")]
    assert release_of(project, *frames)["version"] == "high"


def test_an_unknown_release_id_gives_way_to_the_symbol_sets(project: Project) -> None:
    SymbolSet.objects.create(environment_id=project.id, ref="a", release=make(project, "1"))

    assert release_of(project, {**WEB_FRAME, "chunk_id": "a"}, **{"$release_id": UNKNOWN})["version"] == "1"


def test_the_release_of_another_project_is_not_found(project: Project) -> None:
    release = make(make_project("other"), "1.2")

    assert release_of(project, **{"$release_id": str(release.id)}) is None


def test_a_clients_own_word_on_the_result_is_thrown_away(project: Project) -> None:
    assert release_of(project, **{"$exception_release": {"version": "forged"}}) is None
