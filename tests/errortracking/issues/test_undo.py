"""Undo: merges and splits are taken back as if they had not been, or refused with a reason."""

from __future__ import annotations

import pytest

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.issues.changing import change
from errortracking.issues.errors import IssueGone, Refused
from errortracking.issues.merging import merge
from errortracking.issues.splitting import Part, split
from errortracking.issues.successors import successor_of
from errortracking.issues.undoing import undo
from errortracking.models import Issue, IssueOperation, IssueRedirect
from tests.errortracking.issues.making import ACTOR, came, check, minute, names, numbers, texts
from tests.errortracking.pipeline.making import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def rows(project: Project) -> list[object]:
    """Return all issues as they are, with their fingerprints and numbers."""
    issues = Issue.objects.filter(environment_id=project.pk).order_by("pk")
    columns = ("pk", "created_at", "status", "name", "description", "severity", "state_updated_at")
    return [(*(getattr(issue, name) for name in columns), texts(issue), numbers(issue)) for issue in issues]


def refusal(project: Project, issue: Issue, operation: object = None) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        undo(project.pk, issue.pk, ACTOR, operation)  # type: ignore[arg-type]
    return refused.value.code, refused.value.message


def test_a_merge_is_taken_back(project: Project) -> None:
    issues = [
        came(project, "KeyError", "ada", "bob"),
        came(project, "ValueError", "bob"),
        came(project, "OSError", "eve"),
    ]
    change(project.pk, issues[1].pk, {"status": "resolved", "name": "Cart", "severity": "low"})
    before = rows(project)
    merge(project.pk, issues[0].pk, [issues[1].pk, issues[2].pk], ACTOR)
    assert len(rows(project)) == 1
    with clock.stopped_at(minute(60)):
        undone = undo(project.pk, issues[0].pk, ACTOR)
    assert rows(project) == before
    assert undone.issues == [issues[1].pk, issues[2].pk]
    assert [successor_of(project.pk, issue.pk) for issue in issues] == [None, None, None]
    row = IssueOperation.objects.get(environment_id=project.pk)
    assert (row.undone_at, str(row.undone_by)) == (minute(60), ACTOR.user_id)
    check(project)


def test_what_came_since_goes_along_and_opens_what_was_resolved(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    change(project.pk, second.pk, {"status": "resolved"})
    merge(project.pk, first.pk, [second.pk], ACTOR)
    came(project, "ValueError", "eve", at=minute(20))
    undo(project.pk, first.pk, ACTOR)
    second.refresh_from_db()
    assert second.status == "active"
    assert numbers(first) == (1, 1, minute(0), minute(0))
    assert numbers(second) == (2, 2, minute(0), minute(20))
    assert came(project, "ValueError", "tim", at=minute(30)) == second
    check(project)


def test_a_split_is_taken_back_and_the_new_issue_leads_to_the_old(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    (text,) = texts(second)
    merge(project.pk, first.pk, [second.pk], ACTOR)
    before = rows(project)
    (new,) = split(project.pk, first.pk, [Part(text)], ACTOR).new_issues
    undone = undo(project.pk, first.pk, ACTOR)
    assert rows(project) == before
    assert undone.issues == [new]
    assert successor_of(project.pk, new) == first.pk
    check(project)


def test_the_latest_is_undone_first_and_then_the_one_before(project: Project) -> None:
    issues = [came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError")]
    merge(project.pk, issues[0].pk, [issues[1].pk], ACTOR)
    merge(project.pk, issues[0].pk, [issues[2].pk], ACTOR)
    undo(project.pk, issues[0].pk, ACTOR)
    assert names(project) == ["KeyError", "OSError"]
    undo(project.pk, issues[0].pk, ACTOR)
    assert names(project) == ["KeyError", "OSError", "ValueError"]
    assert refusal(project, issues[0])[0] == "nothing_to_undo"
    assert not IssueRedirect.objects.filter(environment_id=project.pk).exists()


def test_an_earlier_one_may_be_named(project: Project) -> None:
    issues = [came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError")]
    first = merge(project.pk, issues[0].pk, [issues[1].pk], ACTOR).operation
    merge(project.pk, issues[0].pk, [issues[2].pk], ACTOR)
    assert first is not None
    undo(project.pk, issues[0].pk, ACTOR, first.pk)
    assert names(project) == ["KeyError", "ValueError"]
    assert refusal(project, issues[0], first.pk)[0] == "already_undone"
    assert refusal(project, issues[0], uuid7())[0] == "does_not_exist"
    assert refusal(project, issues[1], first.pk)[0] == "does_not_exist"  # another issue's


def test_merges_of_merges_are_taken_back_one_by_one(project: Project) -> None:
    first, second, third = (came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    before = rows(project)
    merge(project.pk, second.pk, [third.pk], ACTOR)
    merge(project.pk, first.pk, [second.pk], ACTOR)
    with pytest.raises(IssueGone):
        undo(project.pk, second.pk, ACTOR)
    undo(project.pk, first.pk, ACTOR)
    assert successor_of(project.pk, third.pk) == second.pk
    undo(project.pk, second.pk, ACTOR)
    assert rows(project) == before


def test_a_merge_whose_fingerprints_moved_again_stays(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    (text,) = texts(second)
    merged = merge(project.pk, first.pk, [second.pk], ACTOR).operation
    assert merged is not None
    (new,) = split(project.pk, first.pk, [Part(text)], ACTOR).new_issues
    before = rows(project)
    assert refusal(project, first, merged.pk) == (
        "cannot_be_undone",
        "It cannot be undone any more: fingerprints have moved to other issues since.",
    )
    assert rows(project) == before
    merge(project.pk, first.pk, [new], ACTOR)  # back again
    undo(project.pk, first.pk, ACTOR, merged.pk)
    assert texts(second) == [text]
    check(project)


def test_a_split_whose_issue_was_merged_or_merged_into_stays(project: Project) -> None:
    first, second, third = (came(project, name, "ada") for name in ("KeyError", "ValueError", "OSError"))
    (text,) = texts(second)
    merge(project.pk, first.pk, [second.pk], ACTOR)
    (new,) = split(project.pk, first.pk, [Part(text)], ACTOR).new_issues
    merge(project.pk, new, [third.pk], ACTOR)
    assert refusal(project, first) == (
        "cannot_be_undone",
        "It cannot be undone any more: an issue that was made by the split has been merged or split itself. "
        "Undo that first.",
    )
    undo(project.pk, new, ACTOR)
    merge(project.pk, third.pk, [new], ACTOR)
    assert refusal(project, first) == (
        "cannot_be_undone",
        "It cannot be undone any more: an issue that was made by the split has been merged since.",
    )
    undo(project.pk, third.pk, ACTOR)
    undo(project.pk, first.pk, ACTOR)
    assert names(project) == ["KeyError", "OSError"]
    check(project)


def test_reopening_is_nothing_to_undo(project: Project) -> None:
    issue = came(project, "KeyError", "ada")
    change(project.pk, issue.pk, {"status": "resolved"})
    came(project, "KeyError", "ada", at=minute(5))
    row = IssueOperation.objects.get(environment_id=project.pk)
    assert (row.kind, row.issue_id, row.user_id, row.record) == ("reopen", issue.pk, None, {"status": "resolved"})
    assert refusal(project, issue)[0] == "nothing_to_undo"
    assert refusal(project, issue, row.pk)[0] == "does_not_exist"
