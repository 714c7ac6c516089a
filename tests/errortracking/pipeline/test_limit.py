"""Exceptions beyond the project's limits are dropped and counted (pipeline 2.11)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction

from environments.models import Project
from errortracking.models import (
    BypassRule,
    ErrorTrackingSettings,
    Event,
    Fingerprint,
    FingerprintStatistics,
    Issue,
    IssueStatistics,
    RateLimitBucket,
    RateLimitedCount,
)
from errortracking.models.rate_limits import PROJECT_BUCKET
from errortracking.pipeline import metrics
from tests.errortracking.pipeline.limiting import bucket, limits, of, stored
from tests.errortracking.pipeline.making import NOON, entry, make_project, outcomes, send

SECOND = timedelta(seconds=1)


# ---- which limit is in force


def test_without_settings_each_issue_has_the_default_and_the_project_none(
    project: Project, settings: LazySettings
) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 3
    send(project, *of("A", 5), *of("B", 2))

    assert stored(project) == {"A": 3, "B": 2}
    assert outcomes(project) == {"stored": 5, "rate_limited/issue": 2}
    assert not RateLimitBucket.objects.filter(environment_id=project.id, id=PROJECT_BUCKET).exists()


def test_no_settings_row_is_made(project: Project) -> None:
    send(project, *of("A"))

    assert not ErrorTrackingSettings.objects.filter(environment_id=project.id).exists()


def test_the_default_admits_ten_thousand_in_an_hour(project: Project) -> None:
    send(project, *of("A"))

    assert bucket(project, "A") == (9_999, 0, NOON)
    send(project, *of("A"), received_at=NOON + SECOND)  # 10,000 / 3,600 a second: full again before it pays
    assert bucket(project, "A") == (9_999, 0, NOON + SECOND)


@pytest.mark.parametrize("default", [0, -1])
def test_a_default_of_zero_or_less_is_no_limit(project: Project, settings: LazySettings, default: int) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = default
    send(project, *of("A", 5))

    assert outcomes(project) == {"stored": 5}
    assert not RateLimitBucket.objects.filter(environment_id=project.id).exists()


def test_a_default_beyond_the_column_is_the_most_that_it_holds(project: Project, settings: LazySettings) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 10**12
    send(project, *of("A"))

    assert bucket(project, "A")[0] == 2_147_483_646


def test_a_projects_own_value_replaces_the_default(project: Project, settings: LazySettings) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 1
    limits(project, issue=2)
    send(project, *of("A", 5))

    assert outcomes(project) == {"stored": 2, "rate_limited/issue": 3}


def test_a_projects_own_zero_is_an_opt_out(project: Project, settings: LazySettings) -> None:
    """2.11: per-issue 0 = opted out."""
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 1
    limits(project, issue=0)
    send(project, *of("A", 5))

    assert outcomes(project) == {"stored": 5}


@pytest.mark.parametrize(
    "values", [{"project": 0}, {"project_minutes": 0}, {"issue": -1}, {"issue_minutes": 0}, {"project": -5}]
)
def test_no_other_limit_can_be_zero_and_none_negative(project: Project, values: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        limits(project, **values)


def test_minutes_say_how_fast_it_refills(project: Project) -> None:
    """6 in 2 minutes: one in 20 seconds; for the project 1 in 1 minute."""
    limits(project, issue=6, issue_minutes=2)
    send(project, *of("A", 9))
    for seconds in (19, 20, 39, 40):
        send(project, *of("A"), received_at=NOON + seconds * SECOND)
    assert outcomes(project) == {"stored": 8, "rate_limited/issue": 5}

    other = make_project()
    limits(other, project=1, project_minutes=1)
    for seconds in (0, 59, 60):
        send(other, *of("A"), received_at=NOON + seconds * SECOND)
    assert outcomes(other) == {"stored": 2, "rate_limited/project": 1}


def test_minutes_without_a_value_are_those_of_the_default(project: Project, settings: LazySettings) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 2
    limits(project, issue_minutes=1)
    for seconds in (0, 0, 29, 30):
        send(project, *of("A"), received_at=NOON + seconds * SECOND)

    assert outcomes(project) == {"stored": 3, "rate_limited/issue": 1}


# ---- order


def test_the_project_is_charged_with_survivors_only(project: Project) -> None:
    """A: 2 of 5 pass their issue. They and 3 of B make 5; the project admits 4."""
    limits(project, issue=3, project=4)
    send(project, *of("A", 3), *of("B", 5))

    assert stored(project) == {"A": 3, "B": 1}
    assert outcomes(project) == {"stored": 4, "rate_limited/issue": 2, "rate_limited/project": 2}
    # B has paid for the two that the project refused.
    assert (bucket(project, "B")[0], bucket(project)[0]) == (0, 0)


def test_what_belongs_to_no_issue_is_charged_to_the_project_alone(project: Project, settings: LazySettings) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 1
    limits(project, project=2)
    send(project, *[entry(properties={"$exception_list": "nonsense"}) for _ in range(3)])

    assert outcomes(project) == {"stored": 2, "rate_limited/project": 1}
    assert not RateLimitedCount.objects.filter(environment_id=project.id).exists()


def test_each_project_has_buckets_of_its_own(project: Project) -> None:
    neighbour = make_project("neighbour")
    for each in (project, neighbour):
        limits(each, project=1)
        send(each, *of("A", 2))

    assert outcomes(project) == outcomes(neighbour) == {"stored": 1, "rate_limited/project": 1}


def test_a_suppressed_issue_and_a_duplicate_pay_nothing(project: Project) -> None:
    limits(project, project=5, issue=5)
    again = of("A")
    send(project, *again)
    send(project, *again)
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")
    send(project, *of("A"))

    assert outcomes(project) == {"stored": 1, "duplicate": 1, "suppressed/issue": 1}
    assert (bucket(project, "A")[0], bucket(project)[0]) == (4, 4)


# ---- bypass rules


def let_pass(project: Project, name: str) -> None:
    filters = {"type": "AND", "values": [{"key": "$exception_types", "operator": "exact", "value": [name]}]}
    BypassRule.objects.create(environment=project, filters=filters)


def test_what_a_bypass_rule_matches_is_neither_limited_nor_charged(project: Project) -> None:
    limits(project, issue=2, project=3)
    let_pass(project, "A")
    send(project, *of("A", 6), *of("B", 2), *of("C", 2), *of("A", 4))

    assert stored(project) == {"A": 10, "B": 2, "C": 1}
    assert outcomes(project) == {"stored": 13, "rate_limited/project": 1}
    issue = Issue.objects.get(environment_id=project.id, name="A")
    assert not RateLimitBucket.objects.filter(environment_id=project.id, id=issue.id).exists()


def test_a_batch_that_passes_as_a_whole_asks_for_no_bucket(project: Project) -> None:
    limits(project, project=1)
    let_pass(project, "A")
    send(project, *of("A", 5))

    assert outcomes(project) == {"stored": 5}
    assert not RateLimitBucket.objects.filter(environment_id=project.id).exists()


# ---- what a dropped exception leaves behind


def test_a_dropped_exception_still_makes_its_issue(project: Project) -> None:
    limits(project, project=1)
    send(project, *of("A"), *of("B"))

    assert stored(project) == {"A": 1, "B": 0}
    assert Fingerprint.objects.filter(environment_id=project.id).count() == 2


def test_a_dropped_exception_still_reopens_its_issue(project: Project) -> None:
    limits(project, issue=1)
    send(project, *of("A"))
    Issue.objects.filter(environment_id=project.id).update(status="resolved")
    send(project, *of("A"))

    assert outcomes(project) == {"stored": 1, "rate_limited/issue": 1}
    assert Issue.objects.get(environment_id=project.id).status == "active"


def test_what_is_dropped_is_not_in_the_numbers_of_what_is_stored(project: Project) -> None:
    limits(project, issue=2)
    send(project, *of("A", 5))

    assert Event.objects.filter(environment_id=project.id).count() == 2
    assert IssueStatistics.objects.get(environment_id=project.id).occurrences == 2
    assert FingerprintStatistics.objects.get(environment_id=project.id).occurrences == 2


def test_a_dropped_exception_that_is_sent_again_is_a_duplicate(project: Project) -> None:
    limits(project, issue=1, issue_minutes=1)
    first, second = of("A", 2)
    send(project, first, second)
    send(project, second, received_at=NOON + timedelta(minutes=5))

    assert outcomes(project) == {"stored": 1, "rate_limited/issue": 1, "duplicate": 1}


def test_drops_are_counted_by_fingerprint_day_and_reason(project: Project) -> None:
    limits(project, issue=3, issue_minutes=1, project=5)
    midnight = datetime.combine(date(2026, 11, 23), datetime.min.time(), NOON.tzinfo)
    send(project, *of("A", 4), received_at=midnight - SECOND)  # 3 stored
    send(project, *of("A", 2), *of("B", 4), received_at=midnight)  # of B 2 stored, 1 refused by the project
    fingerprints = Fingerprint.objects.filter(environment_id=project.id).select_related("issue")
    names = {each.id: each.issue.name for each in fingerprints}
    rows = RateLimitedCount.objects.filter(environment_id=project.id)

    assert {(names[row.fingerprint_id], row.day.day, row.reason, row.count) for row in rows} == {
        ("A", 22, "issue", 1),
        ("A", 23, "issue", 2),
        ("B", 23, "issue", 1),
        ("B", 23, "project", 1),
    }
    assert outcomes(project) == {"stored": 5, "rate_limited/issue": 4, "rate_limited/project": 1}


def test_prometheus_is_told_what_the_limits_said(project: Project) -> None:
    def said() -> list[float]:
        keys = [("allowed", ""), ("rate_limited", "issue"), ("rate_limited", "project"), ("bypassed", "")]
        return [metrics.RATE_LIMITS.labels(*key)._value.get() for key in keys]

    before = said()
    limits(project, issue=3, project=4)
    let_pass(project, "C")
    send(project, *of("A", 5), *of("B", 2), *of("C", 9))

    assert [now - then for now, then in zip(said(), before, strict=True)] == [4, 2, 1, 9]
