"""DELETE …/releases/{id}/ (contract 4)."""

from __future__ import annotations

import pytest

from errortracking.models import Release, StackFrame, SymbolSet
from tests.environments.world import NOT_FOUND, Api, World, answer
from tests.errortracking.api.making import MALFORMED_IDS, UNKNOWN, make_frame, make_release, make_symbol_set


def test_a_release_is_deleted_and_then_unknown(world: World, releases: Api) -> None:
    """4: 204 empty; a second DELETE → 404."""
    release, other = make_release(world.project), make_release(world.project)
    assert answer(releases.delete(f"{release.id}/")) == (204, None)
    assert answer(releases.delete(f"{release.id}/")) == (404, NOT_FOUND)
    assert list(Release.objects.filter(environment=world.project)) == [other]


def test_its_symbol_sets_go_with_it_and_their_frames_stay(world: World, releases: Api) -> None:
    """4: cascades to symbol sets; stack frames survive with symbol_set null."""
    release = make_release(world.project)
    bound = make_symbol_set(world.project, release=release)
    free = make_symbol_set(world.project)
    frame, other = make_frame(world.project, symbol_set=bound), make_frame(world.project, symbol_set=free)
    assert releases.delete(f"{release.id}/").status_code == 204
    assert list(SymbolSet.objects.filter(environment=world.project)) == [free]
    left = {row.pk: row.symbol_set_id for row in StackFrame.objects.filter(environment=world.project)}
    assert left == {frame.pk: None, other.pk: free.pk}
    shown = answer(world.api().get(f"error_tracking/stack_frames/{frame.id}/"))[1]
    assert (shown["symbol_set_ref"], shown["release"]) == (None, None)


@pytest.mark.parametrize("release_id", [UNKNOWN, *MALFORMED_IDS])
def test_an_unknown_or_malformed_id_is_not_found(releases: Api, release_id: str) -> None:
    """4, DELETE: 404 when unknown; decision table: malformed uuid in a path."""
    assert answer(releases.delete(f"{release_id}/")) == (404, NOT_FOUND)


def test_a_foreign_release_is_not_found_and_stays(stranger: World, releases: Api) -> None:
    release = make_release(stranger.project)
    assert answer(releases.delete(f"{release.id}/")) == (404, NOT_FOUND)
    assert Release.objects.filter(environment=stranger.project).count() == 1


def test_a_hash_is_free_after_its_release_is_gone(world: World, releases: Api) -> None:
    release = make_release(world.project, hash_id="abc")
    releases.delete(f"{release.id}/")
    assert releases.post("", {"version": "1", "project": "web", "hash_id": "abc"}).status_code == 201
