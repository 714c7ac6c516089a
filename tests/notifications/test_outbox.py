"""What is told becomes one message for each destination that wants it, in the transaction of the change."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from environments import clock
from environments.models import Project
from notifications import outbox
from notifications.events import NoticeEvent
from notifications.models import Surplus
from tests.environments.world import statements
from tests.errortracking.pipeline.making import make_project
from tests.notifications.making import ISSUE, NOON, deliveries, make_delivery, make_destination, notice, tell


def jobs() -> list[tuple[str, dict[str, object], str]]:
    """Return task, arguments and lock of the jobs that wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text, lock FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [(name, json.loads(arguments), lock) for name, arguments, lock in cursor.fetchall()]


def test_a_notice_becomes_a_message_that_waits(project: Project) -> None:
    destination = make_destination(project)
    with clock.stopped_at(NOON):
        [message] = tell(project, [notice(severity="high", properties={"fingerprint": "abc"})])

    assert message.destination_id == destination.pk
    assert (message.event, message.subject_id, message.title) == ("issue_created", ISSUE, "KeyError")
    assert message.message == {
        "summary": "'price'",
        "link": "/admin/errortracking/issue/0190f5a0-0000-7000-8000-0000000000aa/change/",
        "severity": "high",
        "kind": None,
        "properties": {"fingerprint": "abc"},
        "happened_at": "2026-11-22T12:00:00Z",
    }
    assert (message.status, message.attempts, message.tries) == ("pending", 0, [])
    assert (message.created_at, message.next_attempt_at) == (NOON, NOON)
    assert message.expires_at == NOON + timedelta(days=1)


def test_a_job_is_queued_for_each_destination_and_not_for_each_message(project: Project) -> None:
    first, second = make_destination(project), make_destination(project)
    tell(project, [notice(), notice(NoticeEvent.ISSUE_REOPENED)])

    assert jobs() == [
        (
            "notifications.deliver",
            {"environment_id": project.pk, "destination_id": str(one.pk)},
            f"notifications.deliver.{one.pk}",
        )
        for one in sorted([first, second], key=lambda one: one.pk)
    ]
    assert len(deliveries(project)) == 4


def test_alerts_wait_in_a_queue_of_their_own(project: Project) -> None:
    """Where slow receivers keep nothing else waiting."""
    make_destination(project)
    tell(project)
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue_name::text FROM procrastinate_jobs")
        assert cursor.fetchall() == [("alerts",)]


def test_neither_message_nor_job_outlives_a_change_that_is_taken_back(project: Project) -> None:
    make_destination(project)
    with transaction.atomic():
        assert len(tell(project)) == 1
        transaction.set_rollback(True)

    assert deliveries(project) == []
    assert jobs() == []


@pytest.mark.parametrize(
    "columns",
    [
        {"enabled": False},
        {"events": ["issue_reopened", "issue_spiking"]},
        {"severities": ["critical"]},
    ],
)
def test_nothing_is_written_where_nobody_wants_to_hear_it(project: Project, columns: dict[str, object]) -> None:
    make_destination(project, **columns)
    assert tell(project, [notice(severity="low")]) == []
    assert jobs() == []


def test_another_projects_destination_hears_nothing(project: Project) -> None:
    other = make_project()
    make_destination(other)
    assert tell(project) == []
    assert deliveries(other) == []


def test_a_project_without_destinations_costs_one_statement(project: Project) -> None:
    with transaction.atomic(), statements() as sent:
        outbox.tell(project.pk, [notice(subject_id=UUID(int=number)) for number in range(1000)])
    assert len(sent) == 1
    assert "notifications_destination" in sent[0]


def test_nothing_to_tell_costs_nothing(project: Project) -> None:
    make_destination(project)
    with transaction.atomic(), statements() as sent:
        outbox.tell(project.pk, [])
        outbox.tell_projects({project.pk: []})
    assert sent == []


def test_a_thousand_notices_are_as_many_statements_as_one(project: Project) -> None:
    """The look-up, the rows, the job; and where it is too much, one row that counts the rest."""
    make_destination(project, hourly_limit=1000)
    with transaction.atomic(), statements() as one:
        outbox.tell(project.pk, [notice()])
    with transaction.atomic(), statements() as many:
        outbox.tell(project.pk, [notice(subject_id=UUID(int=number)) for number in range(1000)])
    assert len(one) == 3
    assert len(many) == 4
    assert len(deliveries(project)) == 1000
    assert Surplus.objects.get(environment_id=project.pk).counts == {"issue_created": 1}


def test_several_projects_are_told_by_the_statements_of_one(project: Project) -> None:
    other = make_project()
    wanted = make_destination(other, kinds=["sdk_outdated"])
    make_destination(project, kinds=["web_vitals"])
    firing = notice(NoticeEvent.HEALTH_ISSUE_FIRING, kind="sdk_outdated", severity="warning")
    with transaction.atomic(), statements() as sent:
        outbox.tell_projects({project.pk: [firing], other.pk: [firing]})

    assert len(sent) == 3
    assert deliveries(project) == []
    assert [message.destination_id for message in deliveries(other)] == [wanted.pk]


def test_titles_are_one_line_and_texts_are_cut(project: Project) -> None:
    make_destination(project)
    [message] = tell(project, [notice(title="Key\r\nError " + "x" * 300, summary="y" * 2000)])
    assert message.title == "Key Error " + "x" * 244 + "…"
    assert len(message.title) == 255
    assert message.message["summary"] == "y" * 999 + "…"


# ---- storms


def test_a_storm_is_as_many_messages_as_the_limit_allows_and_one_row_that_counts_the_rest(project: Project) -> None:
    destination = make_destination(project, hourly_limit=3)
    storm = [notice(subject_id=UUID(int=number), title=f"Error {number}") for number in range(1000)]
    with clock.stopped_at(NOON):
        sent = tell(project, storm)

    assert [message.title for message in sent] == ["Error 0", "Error 1", "Error 2"]
    [rest] = Surplus.objects.filter(environment_id=project.pk)
    assert (rest.destination_id, rest.created_at, rest.counts) == (destination.pk, NOON, {"issue_created": 997})
    assert [sample["title"] for sample in rest.samples] == [f"Error {number}" for number in range(3, 13)]
    assert rest.samples[0] == {
        "event": "issue_created",
        "subject_id": "00000000-0000-0000-0000-000000000003",
        "title": "Error 3",
        "link": "/admin/errortracking/issue/0190f5a0-0000-7000-8000-0000000000aa/change/",
        "severity": None,
        "kind": None,
        "happened_at": "2026-11-22T12:00:00Z",
    }


def test_the_limit_is_of_the_last_sixty_minutes(project: Project) -> None:
    destination = make_destination(project, hourly_limit=2)
    with clock.stopped_at(NOON):
        tell(project, [notice(), notice()])
    with clock.stopped_at(NOON + timedelta(minutes=59, seconds=59)):
        assert len(tell(project)) == 2
    with clock.stopped_at(NOON + timedelta(minutes=60)):
        assert len(tell(project)) == 3
    assert Surplus.objects.filter(environment_id=project.pk, destination_id=destination.pk).count() == 1


def test_each_destination_has_a_limit_of_its_own(project: Project) -> None:
    make_destination(project, hourly_limit=1)
    generous = make_destination(project, hourly_limit=5)
    sent = tell(project, [notice(), notice(), notice()])
    assert len([message for message in sent if message.destination_id == generous.pk]) == 3
    assert len(sent) == 4


def test_neither_old_messages_nor_others_nor_tests_and_digests_count(project: Project) -> None:
    destination = make_destination(project, hourly_limit=1)
    for event in ("test", "digest"):
        make_delivery(destination, event=event, created_at=NOON)
    make_delivery(make_destination(project), created_at=NOON)
    make_delivery(destination, created_at=NOON - timedelta(hours=1))
    with clock.stopped_at(NOON):
        outbox.tell(project.pk, [notice()])
    assert [message.destination_id for message in deliveries(project)].count(destination.pk) == 4
