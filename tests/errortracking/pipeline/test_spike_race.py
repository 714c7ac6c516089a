"""Several workers notice the same spike at the same time: exactly one reports it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from environments.models import Project
from errortracking.models import Fingerprint, Issue, SpikeCount, SpikeEvent, SpikeSnooze, partitions
from errortracking.pipeline.batch import Batch
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.making import NOON, make_project
from tests.errortracking.pipeline.spiking import come, configure, fingerprint, spikes, stored
from tests.errortracking.pipeline.working import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("children")]

# As a worker that does not hold the project: nothing but the row of the snooze keeps it from reporting what others do.
RACER = """
import sys
import django
django.setup()
from datetime import timedelta
from django.db import transaction
from environments.models import Project
from errortracking.models import Fingerprint
from errortracking.pipeline import session
from errortracking.pipeline.spike import detect_spikes
from tests.errortracking.pipeline.spiking import stored
from tests.errortracking.pipeline.making import NOON

project = Project.objects.get(pk=sys.argv[1])
own = Fingerprint.objects.get(environment_id=project.id, id=sys.argv[2])
session.prepare()
print("ready", flush=True)
sys.stdin.readline()
for hour in range(int(sys.argv[3])):
    with transaction.atomic():
        detect_spikes(stored(project, (own, 5, NOON.replace(hour=hour))))
"""


@pytest.fixture
def shop() -> Project:
    """A project in which 5 exceptions are a spike, and the partition of the day."""
    partitions.ensure([NOON.date()])
    project = make_project()
    configure(project, multiplier=1)
    return project


def of_one_issue(project: Project, number: int) -> list[Fingerprint]:
    """Return fingerprints of one issue: batches with one each meet at the snooze and not before."""
    first = fingerprint(project)
    return [first, *(fingerprint(project, first.issue) for _ in range(number - 1))]


class Failed(Exception):
    """What ends a transaction without its effect."""


def meet(first: Batch, second: Batch, *, fails: bool = False) -> None:
    """Run the stage on both in transactions of their own; the second waits for the end of the first."""

    def run() -> None:
        try:
            with transaction.atomic():
                detect_spikes(second)
        finally:
            connection.close()

    other = threading.Thread(target=run)
    try:
        with transaction.atomic():
            detect_spikes(first)
            other.start()
            until(lambda: waiting_for_a_lock() == 1)
            if fails:
                raise Failed
    except Failed:
        pass
    other.join(30)
    assert not other.is_alive()


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_who_waits_for_another_to_commit_does_not_report_the_spike_again(shop: Project) -> None:
    first, second = of_one_issue(shop, 2)
    meet(stored(shop, (first, 6, NOON)), stored(shop, (second, 7, NOON)))

    assert spikes(shop) == [(0.0, 6)]


def test_who_waits_for_one_that_fails_reports_the_spike(shop: Project) -> None:
    """3: released if publishing fails."""
    first, second = of_one_issue(shop, 2)
    meet(stored(shop, (first, 6, NOON)), stored(shop, (second, 7, NOON)), fails=True)

    assert spikes(shop) == [(0.0, 7)]


def test_a_snooze_that_has_ended_is_taken_once(shop: Project) -> None:
    first, second = of_one_issue(shop, 2)
    come(shop, (first, 5, NOON))
    later = NOON + timedelta(minutes=10)
    meet(stored(shop, (first, 60, later)), stored(shop, (second, 70, later + timedelta(seconds=1))))

    assert [value for _, value in spikes(shop)] == [5, 60]
    assert SpikeSnooze.objects.get(environment_id=shop.id).snoozed_at == later


def test_batches_that_add_to_the_same_bucket_add_up(shop: Project) -> None:
    (only,) = of_one_issue(shop, 1)
    meet(stored(shop, (only, 3, NOON)), stored(shop, (only, 4, NOON)))

    assert SpikeCount.objects.get(environment_id=shop.id).count == 7
    assert spikes(shop) == [(0.0, 7)]


def test_processes_that_race_report_each_spike_once(shop: Project) -> None:
    hours = 12
    racers = [start(shop, own, hours) for own in of_one_issue(shop, 3)]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        for racer in racers:
            racer.communicate(timeout=60)
        assert [racer.returncode for racer in racers] == [0, 0, 0]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()

    moments = SpikeEvent.objects.filter(environment_id=shop.id).values_list("detected_at", flat=True)
    assert Counter(moments) == {NOON.replace(hour=hour): 1 for hour in range(hours)}
    assert sum(row.count for row in SpikeCount.objects.filter(environment_id=shop.id)) == 3 * 5 * hours


def start(project: Project, own: Fingerprint, hours: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RACER, str(project.id), str(own.id), str(hours)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "HEALTHTRACK_SQL_GUARD": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_an_issue_that_somebody_is_deleting_is_skipped_and_nobody_waits(shop: Project) -> None:
    """Whoever deletes it may wait for what the batch has written already: to wait in turn would be a deadlock."""
    going, there = fingerprint(shop), fingerprint(shop)
    locked, release = threading.Event(), threading.Event()

    def delete() -> None:
        try:
            with transaction.atomic():
                Issue.objects.get(environment_id=shop.id, id=going.issue_id).delete()
                locked.set()
                assert release.wait(30)
        finally:
            connection.close()

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        assert locked.wait(30)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            come(shop, (going, 6, NOON), (there, 7, NOON))
    finally:
        release.set()
        deleting.join(30)

    assert spikes(shop) == [(0.0, 7)]


def test_an_hour_that_was_replayed_late_is_snoozed_by_what_came_after_it(shop: Project) -> None:
    (only,) = of_one_issue(shop, 1)
    come(shop, (only, 5, at(13)))
    come(shop, (only, 5, at(12)))

    assert SpikeEvent.objects.get(environment_id=shop.id).detected_at == at(13)


def at(hour: int) -> datetime:
    return NOON.replace(hour=hour)
