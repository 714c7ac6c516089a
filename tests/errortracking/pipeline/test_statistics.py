"""The numbers of issues and fingerprints: first and last seen, occurrences, distinct users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import Fingerprint, FingerprintStatistics, FingerprintUser, IssueStatistics, payload
from errortracking.pipeline.statistics import user_key
from tests.errortracking.pipeline.making import NOON, entry, make_project, queue, send, turn


def by(fingerprint: str, distinct_id: str = "user-1", minutes: float = 0, **changes: Any) -> payload.EventEntry:
    """Return an exception with this fingerprint, user, and time after noon."""
    return entry(
        distinct_id=distinct_id,
        timestamp=(NOON + timedelta(minutes=minutes)).isoformat(),
        properties={"$exception_fingerprint": fingerprint},
        **changes,
    )


def issue_of(project: Project, fingerprint: str) -> IssueStatistics:
    row = Fingerprint.objects.get(environment_id=project.id, fingerprint=fingerprint)
    return IssueStatistics.objects.get(environment_id=project.id, issue_id=row.issue_id)


def merge(project: Project, fingerprint: str, into: str) -> None:
    """Move a fingerprint to the issue of another and make that issue's numbers anew, as a merge does."""
    moved = Fingerprint.objects.get(environment_id=project.id, fingerprint=fingerprint)
    target = Fingerprint.objects.get(environment_id=project.id, fingerprint=into)
    moved.issue_id = target.issue_id
    moved.save()
    fingerprints = [moved.id, target.id]
    users = FingerprintUser.objects.filter(environment_id=project.id, fingerprint_id__in=fingerprints)
    IssueStatistics.objects.filter(environment_id=project.id, issue_id=target.issue_id).update(
        users=users.values("user_key").distinct().count()
    )


def test_occurrences_and_the_times_of_the_first_and_the_last_event_are_kept(project: Project) -> None:
    send(project, by("a", minutes=5), by("a", minutes=1), by("b", minutes=2))
    send(project, by("a", minutes=-3))

    numbers = issue_of(project, "a")
    assert (numbers.occurrences, numbers.first_seen, numbers.last_seen) == (
        3,
        NOON - timedelta(minutes=3),
        NOON + timedelta(minutes=5),
    )
    assert issue_of(project, "b").occurrences == 1


def test_a_fingerprint_has_numbers_of_its_own(project: Project) -> None:
    send(project, by("a", minutes=5), by("a", minutes=1))

    numbers = FingerprintStatistics.objects.get(environment_id=project.id)
    assert (numbers.occurrences, numbers.first_seen, numbers.last_seen) == (
        2,
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=5),
    )


def test_a_user_counts_once_within_a_batch_and_across_batches(project: Project) -> None:
    send(project, by("a", "ada"), by("a", "ada"), by("a", "grace"))
    send(project, by("a", "ada"), by("a", "hedy"))

    assert issue_of(project, "a").users == 3


def test_the_same_user_counts_for_each_issue(project: Project) -> None:
    send(project, by("a", "ada"), by("b", "ada"))

    assert (issue_of(project, "a").users, issue_of(project, "b").users) == (1, 1)


def test_a_user_whom_another_fingerprint_of_the_issue_knows_does_not_count_again(project: Project) -> None:
    send(project, by("a", "ada"), by("b", "grace"))
    merge(project, "b", into="a")
    assert issue_of(project, "a").users == 2

    send(project, by("a", "grace"), by("b", "ada"), by("b", "hedy"))

    numbers = issue_of(project, "a")
    assert numbers.users == 3
    assert numbers.occurrences == 1 + 3


def test_a_user_who_is_new_to_two_fingerprints_of_one_issue_in_one_batch_counts_once(project: Project) -> None:
    send(project, by("a", "ada"), by("b", "ada"))
    merge(project, "b", into="a")

    send(project, by("a", "hedy"), by("b", "hedy"))

    assert issue_of(project, "a").users == 2
    assert FingerprintUser.objects.filter(environment_id=project.id).count() == 4


def test_events_of_a_merged_fingerprint_count_for_the_issue_it_moved_to(project: Project) -> None:
    send(project, by("a"), by("b"))
    merge(project, "b", into="a")
    send(project, by("b"), by("b"))

    assert issue_of(project, "a").occurrences == 3
    rows = FingerprintStatistics.objects.filter(environment_id=project.id)
    assert sorted(row.occurrences for row in rows) == [1, 3]


def test_users_of_two_projects_are_strangers(project: Project) -> None:
    neighbour = make_project("neighbour")
    send(project, by("a", "ada"))
    send(neighbour, by("a", "ada"))

    assert issue_of(project, "a").users == issue_of(neighbour, "a").users == 1


def test_what_is_dropped_is_not_counted(project: Project) -> None:
    from errortracking.models import Issue

    send(project, by("a", "ada"))
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")
    queue(project, by("a", "grace"), by("b", "ada"))
    turn(project)

    assert (issue_of(project, "a").occurrences, issue_of(project, "a").users) == (1, 1)


def test_an_event_without_a_fingerprint_is_counted_for_no_issue(project: Project) -> None:
    send(project, entry(properties={"$exception_list": []}))

    assert not IssueStatistics.objects.filter(environment_id=project.id).exists()
    assert not FingerprintUser.objects.filter(environment_id=project.id).exists()


@pytest.mark.parametrize(
    ("distinct_id", "key"),
    [
        ("abc", "ba7816bf-8f01-cfea-4141-40de5dae2223"),  # SHA-256 of "abc" begins so (FIPS 180-2)
        ("", "e3b0c442-98fc-1c14-9afb-f4c8996fb924"),
    ],
)
def test_a_users_key_is_the_beginning_of_the_sha256_of_the_distinct_id(distinct_id: str, key: str) -> None:
    assert user_key(distinct_id) == UUID(key)
