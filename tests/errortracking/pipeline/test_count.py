"""Counters: what became of events, and which events a project sends."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import EventCount, OutcomeCount
from errortracking.pipeline import count
from errortracking.pipeline.count import count_others, count_outcomes
from tests.errortracking.pipeline.making import NOON, batch, entry, make_project, other, outcomes, send, uuid

LATE = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)


def counts(project: Project) -> dict[tuple[str, str, str], int]:
    """Return the counters of names, summed over days, by (name, SDK, version)."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in EventCount.objects.filter(environment_id=project.id):
        found[row.event, row.sdk, row.sdk_version] += row.count
    return dict(found)


def test_events_that_are_no_exceptions_are_counted_by_name_sdk_and_version(project: Project) -> None:
    send(project, other("$pageview"), other("$pageview"), other("$pageview", version="1.1.0"), other("paid", "node"))
    send(project, other("$pageview"))

    assert counts(project) == {
        ("$pageview", "web", "1.0.0"): 3,
        ("$pageview", "web", "1.1.0"): 1,
        ("paid", "node", "1.0.0"): 1,
    }
    assert outcomes(project) == {"counted": 5}


def test_exceptions_are_counted_by_sdk_too_unless_they_are_sent_again(project: Project) -> None:
    send(project, entry(uuid=uuid(1)), entry(uuid=uuid(1)), entry(uuid=uuid(2)))

    assert counts(project) == {("$exception", "posthog-python", "7.91.1"): 2}


def test_counters_are_kept_by_the_utc_day_of_receipt(project: Project) -> None:
    send(project, other(), entry(timestamp="2020-01-01T00:00:00Z"), received_at=LATE)
    send(project, other(), received_at=LATE + timedelta(seconds=1))

    rows = EventCount.objects.filter(environment_id=project.id, event="$pageview").order_by("day")
    assert [(row.day, row.count) for row in rows] == [(date(2026, 11, 22), 1), (date(2026, 11, 23), 1)]
    days = OutcomeCount.objects.filter(environment_id=project.id).order_by("day", "outcome")
    assert [(row.day, row.outcome, row.count) for row in days] == [
        (date(2026, 11, 22), "counted", 1),
        (date(2026, 11, 22), "stored", 1),
        (date(2026, 11, 23), "counted", 1),
    ]


def test_the_time_of_the_last_one_is_kept(project: Project) -> None:
    send(project, other(), received_at=LATE)
    send(project, other(), received_at=NOON)

    assert EventCount.objects.get(environment_id=project.id).last_received_at == LATE


@pytest.mark.parametrize(
    ("lib", "version", "shown"),
    [(None, None, ("", "")), (7, {"a": 1}, ("", "")), ("é" * 150, "1", ("é" * 98 + "...", "1"))],
)
def test_an_sdk_that_says_nothing_or_too_much_is_counted(
    project: Project, lib: Any, version: Any, shown: tuple[str, str]
) -> None:
    event = other()
    event["properties"] = {"$lib": lib, "$lib_version": version}
    send(project, event)

    assert counts(project) == {("$pageview", *shown): 1}


def test_beyond_the_limit_of_names_events_are_counted_as_other(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count, "MAX_EVENT_NAMES", 3)
    send(project, other("a"), other("b"))
    send(project, other("c"), other("d"), other("e"), other("a"))
    send(project, other("f"), other("b"))

    assert {name: number for (name, _, _), number in counts(project).items()} == {"a": 2, "b": 2, "c": 1, "other": 3}
    assert outcomes(project) == {"counted": 8}


def test_the_limit_of_names_is_each_projects_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "MAX_EVENT_NAMES", 1)
    neighbour = make_project("neighbour")
    send(project, other("a"))
    send(neighbour, other("b"))

    assert [name for name, _, _ in counts(neighbour)] == ["b"]


def test_a_name_counts_once_against_the_limit_however_many_days_and_versions_it_has(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count, "MAX_EVENT_NAMES", 2)
    for version in range(5):
        send(project, other("a", version=str(version)), received_at=NOON + timedelta(days=version))
    send(project, other("b"))

    assert {name for name, _, _ in counts(project)} == {"a", "b"}


def test_the_published_limit_is_a_thousand_names(project: Project) -> None:
    send(project, *[other(f"name-{number:04}") for number in range(1005)])

    names = {name for name, _, _ in counts(project)}
    assert len(names) == 1001
    assert counts(project)["other", "web", "1.0.0"] == 5


def test_beyond_the_limit_of_sdk_versions_of_a_day_they_are_counted_as_other(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count, "MAX_SDK_VERSIONS", 2)
    send(project, other(version="1"))
    send(project, other(version="2"), other(version="3"), other(version="4"), other(version="1"))
    send(project, other(version="9"), received_at=NOON + timedelta(days=1))

    assert counts(project) == {
        ("$pageview", "web", "1"): 2,
        ("$pageview", "web", "2"): 1,
        ("$pageview", "other", ""): 2,
        ("$pageview", "web", "9"): 1,
    }


def test_outcomes_sum_to_the_accepted_events(project: Project) -> None:
    send(project, entry(uuid=uuid(1)), entry(uuid=uuid(1)), other(), entry(properties={"$exception_list": 7}))

    assert outcomes(project) == {"stored": 2, "duplicate": 1, "counted": 1}
    assert sum(outcomes(project).values()) == 4


def test_an_event_that_no_stage_has_ended_is_not_passed_over_in_silence(project: Project) -> None:
    events = batch(project, entry(), other())
    count_others(events)

    with pytest.raises(RuntimeError, match="no stage gave event"):
        count_outcomes(events)
    assert outcomes(project) == {}
