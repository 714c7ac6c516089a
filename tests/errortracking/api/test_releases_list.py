"""GET …/releases/ (contract 4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.environments.world import Api, World, answer
from tests.errortracking.api.making import CREATED, make_release, shown_release


def test_a_release_has_the_fields_of_the_contract_in_their_order(world: World, releases: Api) -> None:
    """4: the object."""
    release = make_release(world.project, metadata={"git": {"commit_id": "abc", "n": [1, 2.5, None]}})
    body = answer(releases.get(""))[1]
    assert body == {"count": 1, "next": None, "previous": None, "results": [shown_release(release)]}
    assert list(body["results"][0]) == ["id", "hash_id", "team_id", "created_at", "metadata", "version", "project"]
    assert body["results"][0]["team_id"] == world.project.pk


def test_the_newest_is_first(world: World, releases: Api) -> None:
    """4: newest created_at first."""
    for version, minutes in (("old", 0), ("new", 9), ("middle", 5)):
        make_release(world.project, version=version, created_at=CREATED + timedelta(minutes=minutes))
    assert [item["version"] for item in answer(releases.get(""))[1]["results"]] == ["new", "middle", "old"]


def test_of_two_made_at_the_same_moment_the_later_id_is_first(world: World, releases: Api) -> None:
    ids = sorted((str(make_release(world.project).id) for _ in range(5)), reverse=True)
    assert [item["id"] for item in answer(releases.get(""))[1]["results"]] == ids


def test_pages_are_100_releases(world: World, releases: Api) -> None:
    """4, GET list: limit 100."""
    for _ in range(101):
        make_release(world.project)
    body = answer(releases.get(""))[1]
    assert (body["count"], len(body["results"])) == (101, 100)
    assert body["next"] == f"http://testserver{releases.root}?limit=100&offset=100"


def test_foreign_releases_are_not_listed(stranger: World, releases: Api) -> None:
    """1.1: all querysets are filtered by project."""
    make_release(stranger.project)
    assert answer(releases.get(""))[1]["count"] == 0


@pytest.mark.parametrize(
    "metadata", [None, {}, [], 0, False, "", "text", [1, {"a": []}], 1.5, {"ключ": '💥\u2028\\"<'}]
)
def test_metadata_is_shown_as_it_is_stored(world: World, releases: Api, metadata: object) -> None:
    """4: any JSON is stored as is."""
    make_release(world.project, metadata=metadata)
    assert answer(releases.get(""))[1]["results"][0]["metadata"] == metadata
