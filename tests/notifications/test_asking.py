"""What people ask for: a message as a test, and one that is sent again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from notifications import asking
from tests.notifications.making import (
    ISSUE,
    NOON,
    broken,
    deliveries,
    hook,
    run,
    tell,
)
from tests.outbound.web import Web

LINK = f"http://127.0.0.1:8000/admin/errortracking/issue/{ISSUE}/change/"
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("columns", [{}, {"enabled": False}, {"failures": 5, "paused_until": NOON + MINUTE}])
def test_a_test_is_sent_whatever_the_destinations_state(
    project: Project, site: Web, columns: dict[str, object]
) -> None:
    destination = hook(project, site, **columns)
    with clock.stopped_at(NOON):
        asking.test(destination)
        run(destination)
    [asked] = site.asked
    sent = json.loads(asked.body)
    assert (sent["event"], sent["title"], sent["subject_id"]) == ("test", "Alerts reach you here", None)
    assert sent["link"] == f"http://127.0.0.1:8000/admin/notifications/destination/{destination.pk}/change/"
    assert (destination.failures, destination.paused_until) == (0, None)


def test_a_test_is_tried_once(project: Project, site: Web) -> None:
    destination = hook(project, site)
    broken(site)
    asking.test(destination)
    run(destination)
    [message] = deliveries(project)
    assert (message.status, message.attempts, message.error) == ("failed", 1, "it answered 503")


def test_while_a_test_waits_there_is_no_other(project: Project, site: Web) -> None:
    destination = hook(project, site)
    assert asking.test(destination).pk == asking.test(destination).pk
    run(destination)
    asking.test(destination)
    assert len(deliveries(project)) == 2


def test_a_message_that_is_sent_again_has_its_id_and_all_its_retries(project: Project, site: Web) -> None:
    destination = hook(project, site)
    with clock.stopped_at(NOON):
        [message] = tell(project)
        run(destination)
    later = NOON + timedelta(days=3)
    broken(site)
    with clock.stopped_at(later):
        assert asking.replay(project.pk, message.pk)
        run(destination)

    assert [asked.headers["webhook-id"] for asked in site.asked] == [str(message.pk)] * 2
    assert site.asked[0].body == site.asked[1].body
    [message] = deliveries(project)
    assert (message.status, message.attempts, message.next_attempt_at) == ("pending", 1, later + MINUTE)
    assert message.expires_at == later + timedelta(days=1)
    assert [attempt["http_status"] for attempt in message.tries] == [204, 503]


def test_the_log_of_a_message_keeps_its_last_attempts(project: Project, site: Web) -> None:
    destination = hook(project, site)
    [message] = tell(project)
    for _ in range(25):
        asking.replay(project.pk, message.pk)
        run(destination)
    [message] = deliveries(project)
    assert len(message.tries) == 22
    assert len(site.asked) == 25
