"""What of spikes is deleted: events and snoozes after 30 days at 04:00, counts by the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from procrastinate.contrib.django import app

from environments import clock
from environments.models import Project
from errortracking import tasks
from errortracking.models import Issue, SpikeCount, SpikeEvent, SpikeSnooze, partitions
from errortracking.pipeline import housekeeping, spike_cleanup
from tests.errortracking.pipeline.making import NOON, make_project
from tests.errortracking.pipeline.spiking import come, fingerprint

DAYS = timedelta(days=30)
MOMENT = timedelta(microseconds=1)


def spike(project: Project, at: datetime) -> SpikeEvent:
    issue = Issue.objects.create(environment=project)
    return SpikeEvent.objects.create(
        environment=project, issue=issue, detected_at=at, computed_baseline=1, current_bucket_value=500
    )


def snooze(project: Project, at: datetime, until: datetime) -> SpikeSnooze:
    issue = Issue.objects.create(environment=project)
    return SpikeSnooze.objects.create(environment=project, issue=issue, snoozed_at=at, snoozed_until=until)


def test_spikes_older_than_thirty_days_go_in_all_projects(project: Project) -> None:
    """3: rows with detected_at older than 30 days deleted."""
    neighbour = make_project("neighbour")
    for one in (project, neighbour):
        spike(one, NOON - DAYS - MOMENT)
        spike(one, NOON - 2 * DAYS)
    kept = spike(project, NOON - DAYS)
    with clock.stopped_at(NOON):
        tasks.spikes(timestamp=0)

    assert SpikeEvent.objects.get(environment_id=project.id) == kept
    assert not SpikeEvent.objects.filter(environment_id=neighbour.id).exists()


def test_the_task_runs_at_four_utc() -> None:
    """3: daily 04:00 UTC."""
    times = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert times["errortracking.spikes"] == "0 4 * * *"


def test_they_go_in_bounded_steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spike_cleanup, "STEP", 2)
    for _ in range(5):
        spike(project, NOON - DAYS - MOMENT)
    spike(project, NOON)

    assert spike_cleanup.delete_old_events(NOON - DAYS) == 5
    assert spike_cleanup.delete_old_events(NOON - DAYS) == 0
    assert SpikeEvent.objects.filter(environment_id=project.id).count() == 1


def test_snoozes_go_when_they_ended_as_long_ago_or_began_in_the_future(project: Project) -> None:
    snooze(project, NOON - 3 * DAYS, NOON - DAYS - MOMENT)
    snooze(project, NOON + timedelta(hours=1) + MOMENT, NOON + timedelta(hours=2))
    kept = {
        snooze(project, NOON - 3 * DAYS, NOON - DAYS).issue_id,
        snooze(project, NOON + timedelta(hours=1), NOON + 9 * DAYS).issue_id,
    }
    with clock.stopped_at(NOON):
        spike_cleanup.daily()

    assert {row.issue_id for row in SpikeSnooze.objects.filter(environment_id=project.id)} == kept


def test_counts_are_dropped_by_the_day_and_thirty_whole_days_are_kept(project: Project) -> None:
    partitions.drop_before(date.max, partitions.SPIKE_COUNTS)
    days = [NOON - timedelta(days=ago) for ago in (32, 31, 30, 0)]
    partitions.ensure(day.date() for day in days)
    one = fingerprint(project)
    for day in days:
        come(project, (one, 3, day))
    with clock.stopped_at(datetime(2026, 11, 22, 0, 7, tzinfo=UTC)):
        assert spike_cleanup.drop_old_counts() == [date(2026, 10, 21), date(2026, 10, 22)]

    assert partitions.existing(partitions.SPIKE_COUNTS) == [date(2026, 10, 23), date(2026, 11, 22)]
    kept = SpikeCount.objects.filter(environment_id=project.id).order_by("bucket")
    assert [row.bucket for row in kept] == days[2:]


def test_the_daily_round_makes_partitions_of_counts_and_drops_the_old_ones(project: Project) -> None:
    partitions.ensure([date(2026, 10, 20)])
    with clock.stopped_at(NOON):
        housekeeping.daily()

    days = partitions.existing(partitions.SPIKE_COUNTS)
    assert date(2026, 10, 20) not in days
    assert {NOON.date() + timedelta(days=ahead) for ahead in range(8)} <= set(days)
    assert date(2026, 10, 20) in partitions.existing()  # the events' own age is another


def test_the_tables_have_partitions_of_their_own(project: Project) -> None:
    partitions.ensure([date(2031, 1, 1)])
    partitions.drop_before(date(2031, 1, 2), partitions.SPIKE_COUNTS)

    assert partitions.existing(partitions.SPIKE_COUNTS) == []
    assert date(2031, 1, 1) in partitions.existing()
    partitions.ensure([date(2031, 1, 1)])
    assert partitions.existing(partitions.SPIKE_COUNTS) == [date(2031, 1, 1)]
