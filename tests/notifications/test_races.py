"""Several at once: workers at one destination, and somebody who deletes what others write to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from django.db import close_old_connections, connection, transaction

from environments.models import Project
from notifications import outbox
from notifications.bodies import Message
from notifications.changing import change
from notifications.delivering import deliver
from notifications.models import Destination
from notifications.sending import Result, Target, send
from tests.errortracking.pipeline.making import make_project
from tests.errortracking.pipeline.working import until
from tests.notifications.making import deliveries, make_destination, notice, tell
from tests.outbound.web import Web, ok

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(transactional_db: None) -> Project:
    return make_project()


@contextmanager
def another_session() -> Iterator[psycopg.Connection]:
    """Yield a connection of somebody else, in a transaction."""
    parameters = connection.get_connection_params()
    allowed = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    with psycopg.connect(**allowed) as other:
        yield other


@contextmanager
def deleting(destination: Destination) -> Iterator[None]:
    """Let another session delete a destination, without an end to its transaction within the block."""
    with another_session() as other:
        other.execute(
            "DELETE FROM notifications_destination WHERE environment_id = %s AND id = %s",
            [destination.environment_id, destination.pk],
        )
        yield
        other.rollback()


def test_who_tells_does_not_wait_for_who_deletes(project: Project) -> None:
    leaving, staying = make_destination(project), make_destination(project)
    with deleting(leaving), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        outbox.tell(project.pk, [notice()])
    assert [message.destination_id for message in deliveries(project)] == [staying.pk]


def test_two_workers_send_each_message_once(project: Project, site: Web) -> None:
    site.pages["/hook"] = ok(b"")
    destination = make_destination(project, target=f"{site.url}/hook")
    tell(project, [notice(subject_id=UUID(int=number)) for number in range(30)])

    def work() -> None:
        deliver(project.pk, destination.pk)
        close_old_connections()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert len({asked.headers["webhook-id"] for asked in site.asked}) == len(site.asked) == 30
    assert {message.status for message in deliveries(project)} == {"delivered"}


def test_a_destination_that_is_deleted_while_it_is_sent_to_leaves_nothing(
    project: Project, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notifications import delivering

    site.pages["/hook"] = ok(b"")
    destination = make_destination(project, target=f"{site.url}/hook")
    tell(project, [notice(), notice()])

    def sent(*arguments: object) -> object:
        result = send(*arguments)  # type: ignore[arg-type]
        destination.delete()
        return result

    monkeypatch.setattr(delivering, "send", sent)
    deliver(project.pk, destination.pk)
    assert len(site.asked) == 1
    assert deliveries(project) == []


def test_what_fails_at_an_old_target_is_no_failure_of_the_new_one(
    project: Project, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who mends a target while it is sent to is not made to wait for the end of a rest."""
    from notifications import delivering

    site.pages["/new"] = ok(b"")
    destination = make_destination(project, target=f"{site.url}/old", failures=7)
    tell(project, [notice(), notice()])

    def sent(target: Target, message: Message) -> Result:
        result = send(target, message)
        if target.address.endswith("/old"):
            row = Destination.objects.get(environment_id=project.pk, pk=destination.pk)
            row.save(update_fields=change(row, {"target": f"{site.url}/new"}))
        return result

    monkeypatch.setattr(delivering, "send", sent)
    deliver(project.pk, destination.pk)
    assert site.targets == ["POST /old", "POST /new"]
    destination.refresh_from_db()
    assert (destination.failures, destination.paused_until) == (0, None)


def test_who_deletes_a_destination_that_fails_is_in_nobodys_way(project: Project, site: Web) -> None:
    """Whoever is first waits for no message of the other: each locks the destination, and then its messages."""
    destination = make_destination(project, target=f"{site.url}/gone")
    [message] = tell(project)

    def work() -> None:
        deliver(project.pk, destination.pk)
        connection.close()

    worker = threading.Thread(target=work)
    with another_session() as other:
        other.execute("SET lock_timeout = '5s'")
        row = [destination.environment_id, destination.pk]
        other.execute("SELECT FROM notifications_destination WHERE environment_id = %s AND id = %s FOR UPDATE", row)
        worker.start()
        until(lambda: _waiting_for_locks() > 0)
        other.execute(
            "DELETE FROM notifications_delivery WHERE environment_id = %s AND id = %s", [project.pk, message.pk]
        )
        other.rollback()
    worker.join(30)
    assert [one.error for one in deliveries(project)] == ["it answered 404"]


def _waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database()"
        )
        return int(cursor.fetchone()[0])
