"""GET …/issues/{id}/events/ by release and SDK: what is looked for among an issue's newest events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import Event, Release
from errortracking.occurrences import events
from tests.environments.world import Api, World, answer, statements, stranger, world
from tests.errortracking.api.making import UNKNOWN, make_release
from tests.errortracking.api.occurring import NOON, found, issues, make_events, make_fingerprint, sent, uuid
from tests.errortracking.pipeline.making import exception

__all__ = ["issues", "stranger", "world"]

MINUTE = timedelta(minutes=1)


def release(project: Project, version: str) -> Release:
    return make_release(project, version=version)


def event(fingerprint: Any, number: int, **fields: Any) -> str:
    """Make an event so many minutes after noon."""
    id_ = uuid(920_000 + number)
    make_events(fingerprint, {id_: NOON + number * MINUTE}, **fields)
    return id_


def test_an_event_is_found_by_the_release_that_it_came_from(world: World, issues: Api) -> None:
    old, new = release(world.project, "1.0"), release(world.project, "2.0")
    issue, first = sent(world.project, exception("KeyError"), properties={"$release_id": str(old.pk)})
    at = [(NOON + number * MINUTE).isoformat() for number in (1, 2)]
    _, second = sent(world.project, exception("KeyError"), timestamp=at[0], properties={"$release_id": str(new.pk)})
    _, third = sent(world.project, exception("KeyError"), timestamp=at[1])
    stored = dict(Event.objects.filter(environment_id=world.project.pk).values_list("id", "release_id"))
    assert {str(id_): of for id_, of in stored.items()} == {first: old.pk, second: new.pk, third: None}
    assert found(issues, issue, "release=1.0") == [first]
    assert found(issues, issue, f"release={new.pk}") == [second]
    assert found(issues, issue, "release=3.0") == []
    assert found(issues, issue, "release=") == [third, second, first]


def test_a_version_may_be_that_of_several_releases(world: World, issues: Api) -> None:
    fingerprint = make_fingerprint(world.project)
    web, ios = (
        make_release(world.project, version="1", project="web"),
        make_release(world.project, version="1", project="ios"),
    )
    first, second = event(fingerprint, 1, release_id=web.pk), event(fingerprint, 2, release_id=ios.pk)
    event(fingerprint, 3, release_id=release(world.project, "2").pk)
    assert found(issues, fingerprint.issue_id, "release=1") == [second, first]
    assert found(issues, fingerprint.issue_id, f"release={web.pk}") == [first]


def test_filters_go_together_and_count_and_pages_follow(world: World, issues: Api) -> None:
    fingerprint, of = make_fingerprint(world.project), release(world.project, "1")
    wanted = [event(fingerprint, number, release_id=of.pk, sdk="web", distinct_id="ann") for number in range(1, 8)]
    event(fingerprint, 11, release_id=of.pk, sdk="web", distinct_id="bob")
    event(fingerprint, 12, release_id=of.pk, sdk="posthog-python", distinct_id="ann")
    event(fingerprint, 13, sdk="web", distinct_id="ann")
    query = "release=1&sdk=web&distinct_id=ann"
    status, body = answer(issues.get(f"{fingerprint.issue_id}/events/?{query}&limit=3&offset=3"))
    assert (status, body["count"]) == (200, 7)
    assert [row["uuid"] for row in body["results"]] == wanted[::-1][3:6]
    assert query.split("&")[0] in body["next"]
    assert found(issues, fingerprint.issue_id, f"{query}&date_to=2026-11-22T00:00:00Z") == []
    assert len(found(issues, fingerprint.issue_id, "sdk=web")) == 9


def test_a_release_is_looked_for_among_the_newest_events(
    world: World, issues: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST", 3)
    fingerprint, of = make_fingerprint(world.project), release(world.project, "1")
    first = event(fingerprint, 1, release_id=of.pk)
    for number in (2, 3, 4):
        event(fingerprint, number)
    assert found(issues, fingerprint.issue_id, "release=1") == []
    until = (NOON + 3 * MINUTE).isoformat().replace("+00:00", "Z")
    assert found(issues, fingerprint.issue_id, f"release=1&date_to={until}") == [first]


def test_a_release_of_another_project_is_nobodys(world: World, stranger: World, issues: Api) -> None:
    other = release(stranger.project, "9")
    fingerprint = make_fingerprint(world.project)
    event(fingerprint, 1, release_id=other.pk)
    assert found(issues, fingerprint.issue_id, "release=9") == []
    assert found(issues, fingerprint.issue_id, f"release={other.pk}") == []


def test_an_event_of_a_deleted_release_stays_and_is_found_by_it_no_more(world: World, issues: Api) -> None:
    fingerprint, of = make_fingerprint(world.project), release(world.project, "1")
    first = event(fingerprint, 1, release_id=of.pk)
    Release.objects.filter(environment_id=world.project.pk).delete()
    assert found(issues, fingerprint.issue_id, f"release={of.pk}") == []
    assert found(issues, fingerprint.issue_id) == [first]


@pytest.mark.parametrize("name", ["release", "sdk"])
def test_a_text_that_postgresql_does_not_take_is_400(world: World, issues: Api, name: str) -> None:
    fingerprint = make_fingerprint(world.project)
    status, body = answer(issues.get(f"{fingerprint.issue_id}/events/?{name}=a%00b"))
    assert (status, body["attr"]) == (400, name)


def test_an_unknown_issue_is_404_with_filters_too(world: World, issues: Api) -> None:
    assert answer(issues.get(f"{UNKNOWN}/events/?release=1"))[0] == 404


def test_filters_take_no_query_of_their_own(world: World, issues: Api) -> None:
    fingerprint, of = make_fingerprint(world.project), release(world.project, "1")
    event(fingerprint, 1, release_id=of.pk)
    with statements() as plain:
        found(issues, fingerprint.issue_id)
    with statements() as filtered:
        found(issues, fingerprint.issue_id, "release=1&sdk=")
    assert len(filtered) == len(plain)
