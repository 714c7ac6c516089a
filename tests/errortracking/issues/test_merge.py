"""Merge: what moves, what stays, and what a merge of things that are gone answers."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from environments.ids import uuid7
from environments.models import Project
from errortracking.issues.errors import IssueGone
from errortracking.issues.merging import WouldMove, merge, preview
from errortracking.issues.successors import successor_of
from errortracking.models import (
    Event,
    Fingerprint,
    Issue,
    IssueOperation,
    IssueRedirect,
)
from tests.errortracking.issues.making import ACTOR, came, check, minute, names, numbers, texts
from tests.errortracking.pipeline.making import make_project, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def test_the_fingerprints_move_and_the_numbers_are_made_anew(project: Project) -> None:
    first = came(project, "KeyError", "ada", "bob")
    second = came(project, "ValueError", "bob", "eve", "eve", at=minute(10))
    third = came(project, "OSError", "tim")
    moving = texts(first) + texts(second)

    merge(project.pk, first.pk, [second.pk], ACTOR)

    assert names(project) == ["KeyError", "OSError"]
    assert texts(first) == sorted(moving)
    assert numbers(first) == (5, 3, minute(0), minute(12))
    assert numbers(second) is None
    assert numbers(third) == (1, 1, minute(0), minute(0))
    assert Event.objects.filter(environment_id=project.pk).count() == 6
    check(project)


def test_what_comes_later_of_a_merged_fingerprint_belongs_to_the_target(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    merge(project.pk, first.pk, [second.pk], ACTOR)
    assert came(project, "ValueError", "bob", "tim", at=minute(20)) == first
    assert numbers(first) == (4, 3, minute(0), minute(21))
    assert outcomes(project) == {"stored": 4}
    check(project)


def test_the_version_of_what_moved_is_raised(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    merge(project.pk, first.pk, [second.pk], ACTOR)
    versions = (
        Fingerprint.objects.filter(environment_id=project.pk).order_by("version").values_list("version", flat=True)
    )
    assert list(versions) == [0, 1]


def test_a_merge_is_recorded_with_who_and_what(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob", "bob")
    (moved,) = Fingerprint.objects.filter(environment_id=project.pk, issue_id=second.pk)
    merged = merge(project.pk, first.pk, [second.pk], ACTOR)
    assert merged.operation is not None
    row = IssueOperation.objects.get(environment_id=project.pk)
    assert row.pk == merged.operation.pk
    assert (row.kind, row.issue_id, str(row.user_id), row.user_email, row.key_id, row.undone_at) == (
        "merge",
        first.pk,
        "01a201fd-0000-7000-8000-00000000000a",
        "ada@example.com",
        "key",
        None,
    )
    (source,) = row.record["sources"]
    assert source["issue"]["id"] == str(second.pk)
    assert source["issue"]["name"] == "ValueError"
    assert (source["fingerprints"], source["occurrences"]) == ([str(moved.pk)], 2)
    (effect,) = merged.effects
    named = [{"id": str(second.pk), "name": "ValueError"}]
    assert effect == (first.pk, {}, {"operation": str(row.pk), "merged": named, "fingerprints_moved": 1})


def test_several_go_into_one_and_each_is_passed_over_where_it_is_gone_or_the_target(project: Project) -> None:
    first, second, third = (came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    merge(project.pk, first.pk, [second.pk, first.pk, uuid7(), third.pk, second.pk], ACTOR)
    assert names(project) == ["KeyError"]
    assert numbers(first) == (3, 1, minute(0), minute(0))
    (row,) = IssueOperation.objects.filter(environment_id=project.pk)
    assert [source["issue"]["id"] for source in row.record["sources"]] == [str(second.pk), str(third.pk)]


def test_whoever_asks_twice_merges_once(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    assert merge(project.pk, first.pk, [second.pk], ACTOR).operation is not None
    again = merge(project.pk, first.pk, [second.pk], ACTOR)
    assert (again.operation, again.effects) == (None, [])
    assert IssueOperation.objects.filter(environment_id=project.pk).count() == 1


def test_nothing_is_merged_of_what_is_gone(project: Project) -> None:
    issue, stranger = came(project, "KeyError", "ada"), came(make_project("other"), "KeyError", "ada")
    for target, sources in ((issue.pk, [uuid7()]), (uuid7(), [issue.pk]), (issue.pk, [issue.pk]), (issue.pk, [])):
        with pytest.raises(IssueGone):
            merge(project.pk, target, sources, ACTOR)
        with pytest.raises(IssueGone):
            preview(project.pk, target, sources)
    for target, sources in ((issue.pk, [stranger.pk]), (stranger.pk, [issue.pk])):
        with pytest.raises(IssueGone):
            merge(project.pk, target, sources, ACTOR)
    assert names(project) == ["KeyError"]


def test_the_preview_says_what_would_move_and_moves_nothing(project: Project) -> None:
    first = came(project, "KeyError", "ada")
    second, third = came(project, "ValueError", "bob", "eve"), came(project, "OSError", "eve", "ada", "ada")
    found = preview(project.pk, first.pk, [second.pk, third.pk, uuid7(), first.pk])
    assert found == WouldMove(issues=2, fingerprints=2, occurrences=5, users=3)
    assert names(project) == ["KeyError", "OSError", "ValueError"]
    assert not IssueOperation.objects.filter(environment_id=project.pk).exists()


def test_a_merged_issue_has_a_successor_through_any_number_of_merges(project: Project) -> None:
    issues = [came(project, name, "ada") for name in ("AError", "BError", "CError", "DError")]
    for source, target in pairwise(issues):
        merge(project.pk, target.pk, [source.pk], ACTOR)
    found: list[UUID | None] = [successor_of(project.pk, issue.pk) for issue in issues]
    assert found == [issues[3].pk, issues[3].pk, issues[3].pk, None]
    assert numbers(issues[3]) == (4, 1, minute(0), minute(0))
    assert successor_of(make_project("other").pk, issues[0].pk) is None


def test_without_a_living_successor_there_is_none(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "ada")
    merge(project.pk, first.pk, [second.pk], ACTOR)
    Issue.objects.filter(environment_id=project.pk).delete()
    assert IssueRedirect.objects.filter(environment_id=project.pk).count() == 1
    assert successor_of(project.pk, second.pk) is None
