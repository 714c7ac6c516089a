"""Every minute: retries, digests and what has become too old; every day: the old end of the log."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from environments import clock
from environments.models import Project
from notifications import digests, outbox, sweep
from notifications.models import Delivery, Destination, Surplus
from tests.errortracking.pipeline.making import make_project
from tests.notifications.making import NOON, deliveries, make_delivery, make_destination, notice, run, tell
from tests.outbound.web import Web, ok

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def waiting_jobs() -> list[str]:
    """Return the destinations that have a job, one entry for each job."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args->>'destination_id' FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'notifications.deliver' AND queue_name = 'alerts' ORDER BY id"
        )
        return [destination for (destination,) in cursor.fetchall()]


def pending(destination: Destination, **columns: object) -> Delivery:
    waits = {"status": "pending", "finished_at": None, "next_attempt_at": NOON, "expires_at": NOON + 24 * HOUR}
    return make_delivery(destination, **{**waits, **columns})


def at(moment: object = NOON) -> None:
    with clock.stopped_at(moment):  # type: ignore[arg-type]
        sweep.every_minute()


def test_what_is_due_gets_a_job_for_each_destination(project: Project) -> None:
    first, second = make_destination(project), make_destination(make_project())
    for destination in (first, first, second):
        pending(destination)
    at()
    assert waiting_jobs() == [str(first.pk), str(second.pk)]


def test_a_destination_that_has_a_job_of_an_earlier_minute_gets_no_other(project: Project) -> None:
    destination = make_destination(project)
    pending(destination)
    at()
    at(NOON + MINUTE)
    assert waiting_jobs() == [str(destination.pk)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, {"next_attempt_at": NOON + MINUTE}),
        ({}, {"status": "delivered", "next_attempt_at": None}),
        ({"enabled": False}, {}),
        ({"paused_until": NOON + MINUTE}, {}),
    ],
)
def test_there_is_no_job_where_nothing_would_be_sent(
    project: Project, columns: dict[str, object], message: dict[str, object]
) -> None:
    pending(make_destination(project, **columns), **message)
    at()
    assert waiting_jobs() == []


def test_of_a_deleted_project_nothing_is_sent(project: Project) -> None:
    """Its rows go later, in steps."""
    destination, other = make_destination(project, hourly_limit=1), make_destination(make_project(), hourly_limit=1)
    with clock.stopped_at(NOON):
        for told in (destination, other):
            outbox.tell(told.environment_id, [notice()] * 2)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    Project.objects.filter(pk=project.pk).update(deleted_at=NOON)
    at(NOON + 11 * MINUTE)
    assert set(waiting_jobs()) == {str(other.pk)}
    assert [message.event for message in deliveries(project)] == ["issue_created"]
    assert Surplus.objects.filter(environment_id=project.pk).count() == 1


def test_a_test_is_sent_to_a_destination_that_is_off(project: Project) -> None:
    destination = make_destination(project, enabled=False)
    pending(destination, event="test")
    at()
    assert waiting_jobs() == [str(destination.pk)]


def test_what_could_not_be_sent_within_a_day_is_given_up_with_its_last_error(project: Project) -> None:
    destination = make_destination(project, enabled=False)
    expired = {"expires_at": NOON - MINUTE}
    never, failing = pending(destination, **expired), pending(destination, error="it answered 503", **expired)
    lives = pending(destination)
    leased = pending(destination, next_attempt_at=NOON + MINUTE, **expired)
    at()
    found = {message.pk: message for message in deliveries(project)}
    assert (found[never.pk].status, found[never.pk].error) == ("failed", "not sent within a day")
    assert (found[failing.pk].status, found[failing.pk].error) == ("failed", "it answered 503")
    assert (found[never.pk].finished_at, found[never.pk].next_attempt_at) == (NOON, None)
    assert {found[lives.pk].status, found[leased.pk].status} == {"pending"}


# ---- digests


def test_what_was_too_much_is_one_message_after_ten_minutes(project: Project, site: Web) -> None:
    site.pages["/hook"] = ok(b"")
    destination = make_destination(project, target=f"{site.url}/hook", hourly_limit=1)
    with clock.stopped_at(NOON):
        tell(project, [notice(title=f"Error {number}") for number in range(31)])
    with clock.stopped_at(NOON + 4 * MINUTE):
        tell(project, [notice(title=f"Late {number}") for number in range(15)])
    at(NOON + 10 * MINUTE - timedelta(seconds=1))
    assert len(deliveries(project)) == 1
    at(NOON + 10 * MINUTE)

    single, digest = deliveries(project)
    assert (single.title, digest.event, digest.subject_id) == ("Error 0", "digest", None)
    assert digest.title == "45 more alerts in the last 10 minutes"
    assert digest.message["summary"] == "45 issue created"
    assert digest.message["properties"]["counts"] == {"issue_created": 45}
    titles = [sample["title"] for sample in digest.message["properties"]["samples"]]
    assert titles == [f"Error {number}" for number in range(1, 11)] + [f"Late {number}" for number in range(10)]
    assert not Surplus.objects.filter(environment_id=project.pk).exists()
    with clock.stopped_at(NOON + 10 * MINUTE):
        run(destination)
    sent = json.loads(site.asked[1].body)
    assert (sent["event"], sent["link"]) == ("digest", "http://127.0.0.1:8000/admin/errortracking/issue/")


def test_a_digest_reads_like_a_list_where_people_chat(project: Project, site: Web) -> None:
    site.pages["/hook"] = ok(b"")
    destination = make_destination(project, kind="slack", target=f"{site.url}/hook", hourly_limit=1)
    with clock.stopped_at(NOON):
        tell(project, [notice(), notice(title="<a>"), notice(title="b")])
        run(destination)
    with clock.stopped_at(NOON + 10 * MINUTE):
        digests.send_due()
        run(destination)
    text = json.loads(site.asked[1].body)["blocks"][0]["text"]["text"]
    assert text.splitlines()[1:] == ["2 issue created", "New issue: &lt;a&gt;", "New issue: b"]


def test_a_storm_of_an_hour_is_the_limit_and_at_most_six_digests(project: Project) -> None:
    make_destination(project, hourly_limit=5)
    for minute in range(60):
        with clock.stopped_at(NOON + minute * MINUTE):
            outbox.tell(project.pk, [notice()] * 10)
            digests.send_due()
    events = [message.event for message in deliveries(project)]
    assert events.count("issue_created") == 5
    assert events.count("digest") == 5  # at minute 10, and each 11 after the one before, which had taken all there was
    counted = sum(
        message.message["properties"]["counts"]["issue_created"]
        for message in deliveries(project)
        if message.event == "digest"
    )
    waiting = Surplus.objects.filter(environment_id=project.pk).values_list("counts", flat=True)
    assert counted + sum(counts["issue_created"] for counts in waiting) == 60 * 10 - 5


# ---- the log


def test_the_log_is_kept_for_thirty_days(project: Project) -> None:
    destination = make_destination(project)
    old = make_delivery(destination, created_at=NOON - timedelta(days=30, seconds=1))
    waits = pending(destination, created_at=NOON - timedelta(days=30, seconds=1))
    young = make_delivery(destination, created_at=NOON - timedelta(days=30))
    with clock.stopped_at(NOON):
        assert sweep.daily() == 1
    assert {message.pk for message in deliveries(project)} == {waits.pk, young.pk}
    assert old.pk not in {message.pk for message in deliveries(project)}


def test_the_tasks_run_every_minute_and_every_day() -> None:
    times = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert times["notifications.every_minute"] == "* * * * *"
    assert times["notifications.daily"] == "47 1 * * *"


def test_a_destination_whose_worker_was_killed_waits_for_another_no_longer_than_two_minutes() -> None:
    """The lock of its job is free when that is put back: a worker is dead after half a minute without a sign."""
    crons = {periodic.task.name: periodic.cron for periodic in app.periodic_registry.periodic_tasks.values()}
    assert crons["tasks.retry_stalled"] == "* * * * *"
