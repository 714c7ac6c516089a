"""Suppression rules: what they match is dropped before an issue is made of it (pipeline 2.10)."""

from __future__ import annotations

from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import Event, Fingerprint, Issue, IssueStatistics, Release, SuppressionRule
from errortracking.models.payload import EventEntry
from tests.errortracking.pipeline.making import entry, exception, frame, make_project, outcomes, send
from tests.errortracking.pipeline.ruling import add, where

BASE = 0x0190F5A0_0000_7000_8000_000000000000


def numbered(remainder: int) -> EventEntry:
    """Return a ValueError whose uuid leaves ``remainder`` when divided by 10,000."""
    number = BASE + (remainder - BASE) % 10_000
    return entry(exception("ValueError"), uuid=str(UUID(int=number)))


def kept(project: Project) -> list[int]:
    ids = Event.objects.filter(environment_id=project.id).values_list("id", flat=True)
    return sorted(id_.int % 10_000 for id_ in ids)


def test_what_a_rule_matches_is_dropped_and_makes_no_issue(project: Project) -> None:
    add(SuppressionRule, project, where())

    send(project, entry(exception("ValueError")), entry(exception("KeyError")))

    assert outcomes(project) == {"suppressed/rule": 1, "stored": 1}
    assert [issue.name for issue in Issue.objects.filter(environment_id=project.id)] == ["KeyError"]


def test_what_a_rule_drops_does_not_open_its_issue_again(project: Project) -> None:
    send(project, entry(exception("ValueError")))
    Issue.objects.filter(environment_id=project.id).update(status="resolved")
    add(SuppressionRule, project, where())

    send(project, entry(exception("ValueError")))

    assert Issue.objects.get(environment_id=project.id).status == "resolved"
    assert outcomes(project) == {"stored": 1, "suppressed/rule": 1}


def go(version: str, **properties: object) -> EventEntry:
    """Return an event of the Go SDK, which sent frames the other way round before 1.19.0."""
    sent = {"$lib": "posthog-go", "$lib_version": version, **properties}
    return entry(exception(frames=[frame("a"), frame("b")]), properties=sent)


def test_after_one_that_is_dropped_the_next_of_its_batch_still_finds_the_old_issue(project: Project) -> None:
    """The dropped one would have added its new fingerprint to the issue; the next must, then."""
    send(project, go("1.19.0"))  # what the old server made of the old library
    add(SuppressionRule, project, where("noisy", True))

    send(project, go("1.0.0", noisy=True), go("1.0.0"), go("1.0.0"))

    (issue,) = Issue.objects.filter(environment_id=project.id)
    assert IssueStatistics.objects.get(environment_id=project.id, issue_id=issue.id).occurrences == 3
    assert Fingerprint.objects.filter(environment_id=project.id, issue_id=issue.id).count() == 2
    assert outcomes(project) == {"stored": 3, "suppressed/rule": 1}


def test_what_is_dropped_makes_no_fingerprint_known_to_the_next_of_its_batch(project: Project) -> None:
    add(SuppressionRule, project, where("noisy", True))

    send(project, go("1.19.0", noisy=True), go("1.0.0"))

    assert [row.kind for row in Fingerprint.objects.filter(environment_id=project.id)] == ["v2"]


@pytest.mark.parametrize(
    ("rate", "survivors"),
    [
        (1.0, []),
        (0.9999, [9999]),
        (0.5, [5000, 9999]),
        (0.3, [3000, 4999, 5000, 9999]),
        (0.0001, [1, 2999, 3000, 4999, 5000, 9999]),
        (0.0, [0, 1, 2999, 3000, 4999, 5000, 9999]),
    ],
)
def test_a_rate_drops_the_uuids_whose_remainder_by_10000_is_below_it(
    project: Project, rate: float, survivors: list[int]
) -> None:
    add(SuppressionRule, project, where(), sampling_rate=rate)

    send(project, *(numbered(remainder) for remainder in (0, 1, 2999, 3000, 4999, 5000, 9999)))

    assert kept(project) == survivors


def test_an_event_that_a_rule_matches_and_does_not_draw_is_left_to_the_next(project: Project) -> None:
    add(SuppressionRule, project, where(), sampling_rate=0.1)
    add(SuppressionRule, project, where("$exception_values", "no stock"), sampling_rate=0.4)

    send(project, *(numbered(remainder) for remainder in (999, 1000, 3999, 4000)))

    assert kept(project) == [4000]


@pytest.mark.parametrize("filters", [{}, {"type": "AND", "values": []}, {"type": "OR", "values": []}])
def test_a_rule_that_says_nothing_drops_nothing(project: Project, filters: object) -> None:
    add(SuppressionRule, project, filters)

    send(project, entry(exception("ValueError")))

    assert outcomes(project) == {"stored": 1}


def test_who_means_every_exception_says_so(project: Project) -> None:
    add(SuppressionRule, project, where("$exception_types", None, "is_set"))

    send(project, entry(exception("ValueError")), entry(exception("KeyError")))

    assert outcomes(project) == {"suppressed/rule": 2}


def test_an_exception_that_cannot_be_read_is_not_dropped_for_what_is_not_known_of_it(project: Project) -> None:
    add(SuppressionRule, project, where("$exception_types", "KeyError", "is_not"))

    send(project, entry(properties={"$exception_list": "nonsense"}), entry(exception("ValueError")))

    assert outcomes(project) == {"stored": 1, "suppressed/rule": 1}


def test_an_event_that_was_dropped_and_is_sent_again_is_a_duplicate(project: Project) -> None:
    add(SuppressionRule, project, where())
    sent = entry(exception("ValueError"))
    send(project, sent)
    send(project, sent)

    assert outcomes(project) == {"suppressed/rule": 1, "duplicate": 1}


def test_a_negated_condition_over_a_chain_asks_that_no_exception_of_it_is_of_the_type(project: Project) -> None:
    add(SuppressionRule, project, where("$exception_types", "KeyError", "is_not"))

    send(
        project,
        entry(exception("CheckoutFailed"), exception("KeyError")),
        entry(exception("CheckoutFailed"), exception("ValueError")),
    )

    assert outcomes(project) == {"stored": 1, "suppressed/rule": 1}


def test_a_rule_of_another_project_does_not_count(project: Project) -> None:
    add(SuppressionRule, make_project("other"), where())

    send(project, entry(exception("ValueError")))

    assert outcomes(project) == {"stored": 1}


def test_a_rule_may_ask_for_the_release(project: Project) -> None:
    release = Release.objects.create(environment_id=project.id, hash_id="h", version="1.2", project="shop")
    add(SuppressionRule, project, where("$exception_release.version", ["1.1", "1.2"]))

    send(project, entry(properties={"$release_id": str(release.id)}), entry())

    assert outcomes(project) == {"suppressed/rule": 1, "stored": 1}
