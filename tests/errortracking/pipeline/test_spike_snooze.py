"""What is reported of spikes: once within the snooze, by the configuration in force, of issues that are there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from environments import clock
from environments.models import Project
from errortracking.models import (
    Issue,
    SpikeDetectionConfig,
    SpikeEvent,
    SpikeSnooze,
    partitions,
)
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.making import NOON, entry, exception, make_project, send
from tests.errortracking.pipeline.spiking import come, configure, counts, fingerprint, spikes, statements, stored

__all__ = ["statements"]  # a fixture

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _days(db: None) -> None:
    """Make the partitions, which the worker sees to before a batch."""
    partitions.ensure([NOON.date() - timedelta(days=1), NOON.date()])


# ---- the configuration
def test_without_a_configuration_the_defaults_are_in_force_and_none_is_made(project: Project) -> None:
    one, other = fingerprint(project), fingerprint(project)
    come(project, (one, 50, NOON - 5 * MINUTE))
    come(project, (one, 500, NOON), (other, 499, NOON))
    assert spikes(project) == []
    come(project, (one, 1, NOON), (other, 2, NOON))

    assert spikes(project) == [(50.0, 501), (50.0, 501)]
    snoozes = SpikeSnooze.objects.filter(environment_id=project.id)
    assert {row.snoozed_until - row.snoozed_at for row in snoozes} == {timedelta(minutes=10)}
    assert not SpikeDetectionConfig.objects.filter(environment_id=project.id).exists()


def test_a_change_of_the_configuration_counts_from_the_next_batch_on(project: Project) -> None:
    one = fingerprint(project)
    come(project, (one, 6, NOON))
    assert spikes(project) == []
    configure(project, threshold=7)
    come(project, (one, 1, NOON))
    assert spikes(project) == [(0.0, 7)]
    configure(project, threshold=1000)
    come(project, (fingerprint(project), 600, NOON))
    assert len(spikes(project)) == 1


def test_the_configuration_and_the_counts_of_another_project_do_not_matter(project: Project) -> None:
    neighbour = make_project("neighbour")
    configure(neighbour, threshold=1)
    configure(project, threshold=5)
    theirs, mine = fingerprint(neighbour), fingerprint(project)
    come(neighbour, (theirs, 100, NOON - 5 * MINUTE))
    come(project, (mine, 4, NOON))
    assert spikes(project) == []
    come(project, (mine, 1, NOON))

    assert spikes(project) == [(0.0, 5)]
    assert spikes(neighbour) == [(0.0, 100)]


def test_the_longest_snooze_that_a_configuration_may_have_is_stored(project: Project) -> None:
    configure(project, snooze=2**31 - 1)
    come(project, (fingerprint(project), 5, NOON))

    assert SpikeSnooze.objects.get(environment_id=project.id).snoozed_until.year == 6109


# ---- the snooze
def test_a_snooze_ends_when_its_minutes_are_over(project: Project) -> None:
    configure(project, multiplier=1)
    one = fingerprint(project)
    come(project, (one, 5, NOON))
    come(project, (one, 50, NOON + timedelta(minutes=9, seconds=59, milliseconds=999)))
    assert spikes(project) == [(0.0, 5)]
    come(project, (one, 500, NOON + timedelta(minutes=10)))

    assert spikes(project) == [(0.0, 5), (27.5, 500)]


def test_each_issue_has_a_snooze_of_its_own(project: Project) -> None:
    configure(project)
    come(project, (fingerprint(project), 5, NOON))
    come(project, (fingerprint(project), 6, NOON), (fingerprint(project), 7, NOON))

    assert sorted(spikes(project)) == [(0.0, 5), (0.0, 6), (0.0, 7)]


def test_what_spikes_does_not_depend_on_how_far_the_worker_is_behind(project: Project) -> None:
    """The moments of receipt decide, not those of processing."""
    late = make_project("late")
    for one in (project, late):
        configure(one, multiplier=1)
    mine, theirs = fingerprint(project), fingerprint(late)
    received = [NOON + minute * MINUTE for minute in (0, 3, 11, 12, 24)]
    for number, at in enumerate(received):
        with clock.stopped_at(at):
            come(project, (mine, 10 ** (number + 1) // 2, at))
    with clock.stopped_at(NOON + timedelta(days=1)):
        for number, at in enumerate(received):
            come(late, (theirs, 10 ** (number + 1) // 2, at))

    live, behind = (
        SpikeEvent.objects.filter(environment_id=one.id)
        .order_by("detected_at")
        .values_list("detected_at", "computed_baseline", "current_bucket_value")
        for one in (project, late)
    )
    assert list(live) == list(behind)
    assert [at for at, *_ in live] == [received[0], received[2], received[4]]


# ---- what is gone
def test_an_issue_that_is_gone_is_skipped_and_the_others_are_reported(project: Project) -> None:
    configure(project)
    gone, there = fingerprint(project), fingerprint(project)
    work = stored(project, (gone, 6, NOON), (there, 7, NOON))
    Issue.objects.get(environment_id=project.id, id=gone.issue_id).delete()
    detect_spikes(work)

    assert spikes(project) == [(0.0, 7)]
    assert SpikeSnooze.objects.filter(environment_id=project.id).count() == 1


def test_an_issues_snooze_and_spikes_go_with_it_and_its_counts_belong_to_nobody(project: Project) -> None:
    configure(project)
    gone = fingerprint(project)
    come(project, (gone, 500, NOON - 5 * MINUTE))
    Issue.objects.get(environment_id=project.id, id=gone.issue_id).delete()
    assert spikes(project) == []
    assert not SpikeSnooze.objects.filter(environment_id=project.id).exists()
    come(project, (fingerprint(project), 5, NOON))

    assert spikes(project) == [(0.0, 5)]


def test_a_suppressed_issue_does_not_spike(project: Project) -> None:
    configure(project, threshold=2)
    send(project, entry(exception("KeyError")))
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")
    send(project, *[entry(exception("KeyError")) for _ in range(5)])

    assert spikes(project) == []
    assert list(counts(project).values()) == [1]


def test_the_partition_of_the_day_holds_the_counts(project: Project) -> None:
    come(project, (fingerprint(project), 1, NOON))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM errortracking_spikecount_20261122 WHERE environment_id = %s", [project.id])
        assert cursor.fetchone() == (1,)
