"""Issues that suddenly come much more often: the stage that counts and judges them (pipeline 3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from environments.ids import moment_of
from environments.models import Project
from errortracking.models import (
    ErrorTrackingSettings,
    Fingerprint,
    Outcome,
    SpikeEvent,
    partitions,
)
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.making import NOON, entry, exception, send
from tests.errortracking.pipeline.spiking import come, configure, counts, fingerprint, spikes, statements, stored

__all__ = ["statements"]  # a fixture

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _days(db: None) -> None:
    """Make the partitions, which the worker sees to before a batch."""
    partitions.ensure([NOON.date() - timedelta(days=1), NOON.date()])


# ---- counting
def test_stored_exceptions_are_counted_by_fingerprint_and_bucket_of_receipt(project: Project) -> None:
    first, second = fingerprint(project), fingerprint(project)
    come(project, (first, 2, NOON), (first, 1, NOON + 4.99 * MINUTE), (second, 1, NOON), (first, 3, NOON + 5 * MINUTE))
    come(project, (first, 1, NOON + MINUTE), (first, 1, NOON - timedelta(microseconds=1)))

    assert counts(project) == {
        (first.id, "22 11:55"): 1,
        (first.id, "22 12:00"): 4,
        (first.id, "22 12:05"): 3,
        (second.id, "22 12:00"): 1,
    }


def test_only_what_is_stored_counts(project: Project) -> None:
    """3: after rate limiting."""
    one = fingerprint(project)
    work = stored(project, (one, 6, NOON))
    for event, outcome in zip(work.events, list(Outcome), strict=True):
        event.outcome = outcome
    detect_spikes(work)

    assert len(list(Outcome)) == 6
    assert counts(project) == {(one.id, "22 12:00"): 1}


def test_an_exception_that_cannot_be_grouped_is_not_counted(project: Project) -> None:
    work = stored(project, (fingerprint(project), 1, NOON))
    work.events[0].fingerprint_id = work.events[0].issue_id = None
    detect_spikes(work)

    assert counts(project) == {}


def test_the_whole_pipeline_counts_what_it_stores_and_leaves_out_what_the_limit_drops(project: Project) -> None:
    configure(project, threshold=3)
    ErrorTrackingSettings.objects.create(environment=project, project_rate_limit_value=4)
    send(project, *[entry(exception("KeyError")) for _ in range(9)])

    assert list(counts(project).values()) == [4]
    assert spikes(project) == [(0.0, 4)]


# ---- what it asks
def test_a_batch_that_is_far_from_the_threshold_costs_one_statement(project: Project, statements: list[str]) -> None:
    many = [fingerprint(project) for _ in range(50)]
    come(project, *[(one, 3, NOON) for one in many])

    assert len(statements) == 1
    assert spikes(project) == []


def test_nothing_stored_costs_nothing(project: Project, statements: list[str]) -> None:
    detect_spikes(Batch(project.id, [], NOON))

    assert statements == []


def test_the_projects_totals_are_asked_only_for_an_issue_without_history(
    project: Project, statements: list[str]
) -> None:
    configure(project)
    known, new = fingerprint(project), fingerprint(project)
    come(project, (known, 1, NOON - 5 * MINUTE))
    statements.clear()
    come(project, (known, 11, NOON))
    assert len(statements) == 4  # count, history, report, who wants to be told
    statements.clear()
    come(project, (new, 11, NOON))
    assert len(statements) == 5  # and totals
    assert spikes(project) == [(1.0, 11), (1.0, 11)]


def test_an_issue_that_goes_on_spiking_costs_one_statement_while_it_is_snoozed(
    project: Project, statements: list[str]
) -> None:
    configure(project)
    one = fingerprint(project)
    come(project, (one, 5, NOON))
    statements.clear()
    come(project, (one, 5, NOON + MINUTE))

    assert len(statements) == 1


# ---- the verdict
def test_a_spike_is_reported_with_its_baseline_its_value_and_a_uuid_of_its_moment(project: Project) -> None:
    configure(project)
    one = fingerprint(project)
    come(project, (one, 1, NOON - 5 * MINUTE), (one, 2, NOON - 50 * MINUTE))
    at = NOON + timedelta(seconds=90, microseconds=123_456)
    come(project, (one, 14, NOON + MINUTE), (one, 2, at))

    row = SpikeEvent.objects.get(environment_id=project.id)
    assert (row.issue_id, row.computed_baseline, row.current_bucket_value) == (one.issue_id, 1.5, 16)
    assert row.detected_at == NOON + timedelta(seconds=90, microseconds=123_000)
    assert row.id.version == 7
    assert moment_of(row.id) == row.detected_at


def test_the_current_bucket_grows_over_batches_until_it_reaches_the_threshold(project: Project) -> None:
    configure(project)
    one = fingerprint(project)
    for minute in range(4):
        come(project, (one, 2, NOON + minute * MINUTE))

    assert spikes(project) == [(0.0, 6)]


def test_the_fingerprints_of_an_issue_count_together_whichever_batch_has_them(project: Project) -> None:
    configure(project)
    first = fingerprint(project)
    second = fingerprint(project, first.issue)
    come(project, (first, 1, NOON - 5 * MINUTE), (second, 2, NOON - 5 * MINUTE))
    come(project, (first, 20, NOON), (second, 5, NOON))
    assert spikes(project) == []
    come(project, (second, 6, NOON + MINUTE))

    assert spikes(project) == [(3.0, 31)]


def test_what_moves_to_another_issue_brings_its_history_along(project: Project) -> None:
    configure(project)
    first, second = fingerprint(project), fingerprint(project)
    come(project, (second, 4, NOON - 5 * MINUTE))
    Fingerprint.objects.filter(environment_id=project.id, id=second.id).update(issue=first.issue)
    come(project, (first, 40, NOON))
    assert spikes(project) == []
    come(project, (first, 1, NOON))

    assert spikes(project) == [(4.0, 41)]


def test_a_bucket_an_hour_ago_is_no_history_and_an_hours_history_may_cross_midnight(project: Project) -> None:
    configure(project)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    one = fingerprint(project)
    come(project, (one, 40, midnight - 60 * MINUTE), (one, 2, midnight - 55 * MINUTE), (one, 1, midnight - 5 * MINUTE))
    come(project, (one, 16, midnight))

    assert spikes(project)[-1] == (1.5, 16)


def test_each_bucket_of_a_batch_is_judged_by_what_was_before_it(project: Project) -> None:
    configure(project, snooze=5)
    one = fingerprint(project)
    come(project, (one, 6, NOON), (one, 61, NOON + 5 * MINUTE), (one, 300, NOON + 10 * MINUTE))

    # 300 is not more than ten times the mean of 6 and 61
    assert spikes(project) == [(0.0, 6), (6.0, 61)]


def test_a_batch_reports_an_issue_once_within_the_snooze_and_again_after_it(project: Project) -> None:
    configure(project)
    one = fingerprint(project)
    come(project, (one, 6, NOON), (one, 100, NOON + 5 * MINUTE), (one, 1000, NOON + 10 * MINUTE))

    assert spikes(project) == [(0.0, 6), (53.0, 1000)]


def test_an_issue_without_history_is_judged_by_the_projects_mean_per_issue(project: Project) -> None:
    """3, table: (5 + 3 + 4) / 3, the current bucket left out, a bucket without anything too."""
    configure(project)
    others = [fingerprint(project) for _ in range(4)]
    for ago, (total, issues) in {1: (15, 3), 2: (12, 4), 4: (8, 2)}.items():
        of = others[:issues]
        rest = total - len(of) + 1
        come(project, *[(one, rest if one is of[0] else 1, NOON - ago * 5 * MINUTE) for one in of])
    new = fingerprint(project)
    SpikeEvent.objects.filter(environment_id=project.id).delete()
    come(project, *[(one, 3, NOON) for one in others], (new, 40, NOON))
    assert spikes(project) == []
    come(project, (new, 1, NOON))

    assert spikes(project) == [(4.0, 41)]


def test_two_fingerprints_of_one_issue_are_one_issue_in_the_projects_mean(project: Project) -> None:
    configure(project)
    first = fingerprint(project)
    second = fingerprint(project, first.issue)
    come(project, (first, 2, NOON - 5 * MINUTE), (second, 2, NOON - 5 * MINUTE))
    come(project, (fingerprint(project), 41, NOON))

    assert spikes(project) == [(4.0, 41)]
