"""GET …/releases/{id}/ and …/releases/hash/{hash_id}/ (contract 4)."""

from __future__ import annotations

import pytest

from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN, make_release, shown_release


def test_a_release_is_shown_as_in_the_list(world: World, releases: Api) -> None:
    """4, GET one: 200."""
    release = make_release(world.project, metadata={"git": {"branch": "main"}})
    assert answer(releases.get(f"{release.id}/")) == (200, shown_release(release))
    assert answer(releases.get(""))[1]["results"] == [shown_release(release)]


@pytest.mark.parametrize("release_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(releases: Api, release_id: str) -> None:
    """Decision table: malformed uuid in a path."""
    assert answer(releases.get(f"{release_id}/")) == (404, NOT_FOUND)


def test_a_foreign_release_is_not_found(stranger: World, releases: Api) -> None:
    """1.1: object id that exists in another project."""
    release = make_release(stranger.project)
    assert answer(releases.get(f"{release.id}/")) == (404, NOT_FOUND)
    assert answer(releases.get(f"hash/{release.hash_id}/")) == (404, NOT_FOUND)


def test_a_release_is_found_by_its_hash(world: World, releases: Api) -> None:
    """4 and 11.5: 200 with the full object."""
    make_release(world.project, hash_id="abcd")
    release = make_release(world.project, hash_id="abc", metadata={"a": 1})
    for path in ("hash/abc/", "hash/abc", "hash/abc.json"):
        assert answer(releases.get(path)) == (200, shown_release(release))


@pytest.mark.parametrize(
    ("hash_id", "path"), [("é 💥", "%C3%A9%20%F0%9F%92%A5"), ("a%b", "a%25b"), ("A" * 128, "A" * 128)]
)
def test_a_hash_in_a_path_is_decoded(world: World, releases: Api, hash_id: str, path: str) -> None:
    release = make_release(world.project, hash_id=hash_id)
    assert answer(releases.get(f"hash/{path}/")) == (200, shown_release(release))


@pytest.mark.parametrize("path", ["nope", "ABC", "%00", "a%00", "%ff", "x" * 5_000, "%ED%A0%80"])
def test_an_unknown_hash_is_not_found(world: World, releases: Api, path: str) -> None:
    """4, GET by hash: unknown → 404."""
    make_release(world.project, hash_id="abc")
    assert answer(releases.get(f"hash/{path}/")) == (404, NOT_FOUND)


@pytest.mark.parametrize("hash_id", ["a.b", "a/b"])
def test_a_hash_with_a_dot_or_slash_is_unreachable(world: World, releases: Api, hash_id: str) -> None:
    """4: the path part cannot contain `/` or `.`."""
    make_release(world.project, hash_id=hash_id)
    assert releases.get(f"hash/{hash_id.replace('/', '%2F')}/").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_by_hash_are_a_405(releases: Api, method: str) -> None:
    response = releases.request(method, "hash/abc/", {})
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_post_to_a_release_is_a_405(releases: Api) -> None:
    assert releases.post(f"{UNKNOWN}/", {}).status_code == 405
