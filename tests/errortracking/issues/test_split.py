"""Split: fingerprints become issues; what they are called, what they count, and what is refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from environments.ids import uuid7
from environments.models import Project
from errortracking.issues.changing import Assignee, assign, change
from errortracking.issues.errors import IssueGone, Refused
from errortracking.issues.merging import merge
from errortracking.issues.splitting import Part, split
from errortracking.issues.undoing import undo
from errortracking.models import Event, Fingerprint, Issue, IssueAssignment, IssueOperation, SpikeEvent
from tests.errortracking.issues.making import ACTOR, came, check, minute, names, numbers, texts
from tests.errortracking.pipeline.making import make_project
from tests.errortracking.pipeline.ruling import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


@pytest.fixture
def three(project: Project) -> tuple[Issue, list[str]]:
    """An issue of three fingerprints (two of merged issues), and their texts: KeyError, ValueError, OSError."""
    issues = [
        came(project, "KeyError", "ada", "bob"),
        came(project, "ValueError", "bob", "eve", at=minute(10)),
        came(project, "OSError", "tim", at=minute(20)),
    ]
    found = [texts(issue)[0] for issue in issues]
    merge(project.pk, issues[0].pk, [issue.pk for issue in issues[1:]], ACTOR)
    return issues[0], found


def of(project: Project, id_: UUID) -> Issue:
    return Issue.objects.get(environment_id=project.pk, pk=id_)


def test_each_becomes_an_issue_called_after_its_latest_exception(
    project: Project, three: tuple[Issue, list[str]]
) -> None:
    issue, (key, value, os) = three
    done = split(project.pk, issue.pk, [Part(os), Part(value)], ACTOR)
    first, second = (of(project, id_) for id_ in done.new_issues)
    assert [(new.name, new.description, new.status, new.severity) for new in (first, second)] == [
        ("OSError", "no stock", "active", None),
        ("ValueError", "no stock", "active", None),
    ]
    assert (texts(issue), texts(first), texts(second)) == ([key], [os], [value])
    assert numbers(issue) == (2, 2, minute(0), minute(1))
    assert numbers(first) == (1, 1, minute(20), minute(20))
    assert numbers(second) == (2, 2, minute(10), minute(11))
    check(project)


def test_names_may_be_given(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, (_, value, os) = three
    done = split(project.pk, issue.pk, [Part(os, "Disk", "full"), Part(value, "Cart")], ACTOR)
    assert [(of(project, id_).name, of(project, id_).description) for id_ in done.new_issues] == [
        ("Disk", "full"),
        ("Cart", None),
    ]


def test_without_an_event_it_is_called_as_the_issue(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, (_, _, os) = three
    change(project.pk, issue.pk, {"name": "Checkout", "description": "is down"})
    Event.objects.filter(environment_id=project.pk).delete()
    (new,) = split(project.pk, issue.pk, [Part(os)], ACTOR).new_issues
    assert (of(project, new).name, of(project, new).description) == ("Checkout", "is down")


def test_what_comes_later_belongs_to_the_new_issue(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, (_, _, os) = three
    (new,) = split(project.pk, issue.pk, [Part(os)], ACTOR).new_issues
    assert came(project, "OSError", "tim", "ada", at=minute(30)).pk == new
    assert numbers(of(project, new)) == (3, 2, minute(20), minute(31))
    check(project)


def test_assignment_and_status_stay_with_the_issue(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, (_, _, os) = three
    ada = person(project)
    assign(project.pk, issue.pk, Assignee("user", ada.pk))
    change(project.pk, issue.pk, {"status": "suppressed", "severity": "high"})
    (new,) = split(project.pk, issue.pk, [Part(os)], ACTOR).new_issues
    assert (of(project, new).status, of(project, new).severity) == ("active", None)
    assert (of(project, issue.pk).status, of(project, issue.pk).severity) == ("suppressed", "high")
    assert IssueAssignment.objects.get(environment_id=project.pk).issue_id == issue.pk


def test_a_split_is_recorded(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, (_, _, os) = three
    done = split(project.pk, issue.pk, [Part(os)], ACTOR)
    row = IssueOperation.objects.get(environment_id=project.pk, kind="split")
    fingerprint = Fingerprint.objects.get(environment_id=project.pk, fingerprint=os)
    assert row.record == {
        "parts": [{"issue": str(done.new_issues[0]), "fingerprint": str(fingerprint.pk)}],
        "spike_events": [],
    }
    assert (row.issue_id, row.user_email) == (issue.pk, "ada@example.com")
    assert fingerprint.version == 2  # merged, split


@pytest.mark.parametrize(
    ("chosen", "code", "place"),
    [
        (["x"], "does_not_exist", ("fingerprints", 0, "fingerprint")),
        ([2, "x"], "does_not_exist", ("fingerprints", 1, "fingerprint")),
        ([1, 2, 1], "duplicate", ("fingerprints", 2, "fingerprint")),
        ([0, 1, 2], "last_fingerprint", ("fingerprints",)),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_moves(
    project: Project, three: tuple[Issue, list[str]], chosen: list[int | str], code: str, place: tuple[object, ...]
) -> None:
    issue, found = three
    parts = [Part(found[one] if isinstance(one, int) else one) for one in chosen]
    with pytest.raises(Refused) as refused:
        split(project.pk, issue.pk, parts, ACTOR)
    assert (refused.value.code, refused.value.place) == (code, place)
    assert names(project) == ["KeyError"]
    assert texts(issue) == sorted(found)


def test_another_projects_fingerprint_and_issue_are_unknown(project: Project, three: tuple[Issue, list[str]]) -> None:
    issue, found = three
    other = make_project("other")
    stranger = came(other, "NameError", "ada")
    with pytest.raises(Refused):
        split(project.pk, issue.pk, [Part(texts(stranger)[0])], ACTOR)
    for gone in (stranger.pk, uuid7()):
        with pytest.raises(IssueGone):
            split(project.pk, gone, [Part(found[0])], ACTOR)
    assert names(other) == ["NameError"]


def test_the_spikes_of_an_issue_that_is_split_are_deleted_and_an_undo_brings_them_back(
    project: Project, three: tuple[Issue, list[str]]
) -> None:
    """Contract 7: splitting an issue deletes its spike events."""
    issue, (_, value, os) = three
    other = came(project, "TypeError", "ada")
    for number, of_issue in ((1, issue), (2, issue), (3, other)):
        SpikeEvent.objects.create(
            environment=project,
            issue=of_issue,
            detected_at=minute(number),
            computed_baseline=1.5,
            current_bucket_value=number,
        )
    rows = SpikeEvent.objects.filter(environment_id=project.pk).order_by("current_bucket_value")
    before = list(rows.values())
    split(project.pk, issue.pk, [Part(os), Part(value)], ACTOR)
    assert [row.issue_id for row in rows.all()] == [other.pk]
    undo(project.pk, issue.pk, ACTOR)
    assert list(rows.values()) == before
