"""A message is sent by its task: to a real receiver, signed, with retries, rests and a log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from environments import clock
from environments.models import Project
from notifications import delivering
from notifications.models import Destination
from notifications.sending import send
from tests.errortracking.pipeline.making import make_project
from tests.notifications.making import (
    ISSUE,
    NOON,
    SECRET,
    broken,
    deliveries,
    hook,
    make_destination,
    notice,
    run,
    tell,
)
from tests.outbound.web import Web, ok

LINK = f"http://127.0.0.1:8000/admin/errortracking/issue/{ISSUE}/change/"
MINUTE = timedelta(minutes=1)


def test_a_webhook_gets_the_notice_as_json(project: Project, site: Web) -> None:
    destination = hook(project, site)
    with clock.stopped_at(NOON):
        [message] = tell(project, [notice(severity="high", properties={"fingerprint": "abc"})])
        run(destination)

    [asked] = site.asked
    assert (asked.method, asked.target, asked.headers["content-type"]) == ("POST", "/hook", "application/json")
    assert json.loads(asked.body) == {
        "id": str(message.pk),
        "event": "issue_created",
        "happened_at": "2026-11-22T12:00:00Z",
        "team_id": project.pk,
        "project": "shop",
        "subject_id": "0190f5a0-0000-7000-8000-0000000000aa",
        "title": "KeyError",
        "summary": "'price'",
        "link": LINK,
        "severity": "high",
        "kind": None,
        "properties": {"fingerprint": "abc"},
    }


def test_a_webhook_is_signed_over_id_timestamp_and_body(project: Project, site: Web) -> None:
    """As a receiver checks it, by the words of docs/alerts.md."""
    destination = hook(project, site)
    with clock.stopped_at(NOON):
        [message] = tell(project)
        run(destination)

    [asked] = site.asked
    assert asked.headers["webhook-id"] == asked.headers["idempotency-key"] == str(message.pk)
    assert asked.headers["webhook-timestamp"] == "1795348800"  # 2026-11-22 12:00:00 UTC
    signed = f"{message.pk}.1795348800.".encode() + asked.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert asked.headers["webhook-signature"] == (
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    )


def test_what_was_taken_is_in_the_log(project: Project, site: Web) -> None:
    destination = hook(project, site)
    site.pages["/hook"] = ok(b"thank you \x00" + b"x" * 600)
    with clock.stopped_at(NOON):
        tell(project)
        run(destination)

    [message] = deliveries(project)
    assert (message.status, message.attempts, message.http_status, message.error) == ("delivered", 1, 200, "")
    assert (message.finished_at, message.next_attempt_at) == (NOON, None)
    assert message.excerpt == "thank you \ufffd" + "x" * 489
    assert message.duration_ms is not None
    assert message.tries == [
        {
            "at": "2026-11-22T12:00:00Z",
            "http_status": 200,
            "duration_ms": message.duration_ms,
            "error": "",
        }
    ]


def test_an_answer_that_quotes_the_address_does_not_tell_it(project: Project, site: Web) -> None:
    """Who may read the log may not write there: web servers like to say what it is that they have not found."""
    path = "/services/T000/B000/XXXXXXXXwxyz?key=a%20b"
    destination = hook(project, site, target=f"{site.url}{path}")
    site.pages[path] = ok(f"<pre>Cannot POST {path}</pre>".encode(), status="404 Not Found")
    tell(project)
    run(destination)
    [message] = deliveries(project)
    assert (message.http_status, message.excerpt) == (404, "<pre>Cannot POST /…%20b</pre>")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("500 Internal Server Error", "it answered 500"),
        ("404 Not Found", "it answered 404"),
        ("302 Found", "it answered 302"),
    ],
)
def test_any_other_answer_than_a_2xx_is_a_failure_that_is_tried_again(
    project: Project, site: Web, status: str, error: str
) -> None:
    destination = hook(project, site)
    broken(site, status)
    with clock.stopped_at(NOON):
        tell(project)
        run(destination)

    [message] = deliveries(project)
    assert (message.status, message.attempts, message.error) == ("pending", 1, error)
    assert (message.excerpt, message.next_attempt_at) == ("come back later", NOON + MINUTE)
    assert len(site.asked) == 1


def test_an_address_of_this_servers_network_is_refused_and_told_nothing(project: Project, settings: Settings) -> None:
    destination = make_destination(project, target="http://127.0.0.1:9/hook")
    tell(project)
    run(destination)

    [message] = deliveries(project)
    assert (message.status, message.http_status) == ("pending", None)
    assert message.error == "the host is not in the public internet"
    assert message.tries[0]["error"] == message.error


def test_a_message_is_tried_for_a_day_and_then_given_up(project: Project, site: Web) -> None:
    """At 0, and 1, 2, 5, 10, 20, 40, 80, 160, 320 and 640 minutes after the one before."""
    destination = hook(project, site)
    broken(site)
    with clock.stopped_at(NOON):
        tell(project)
    at, tried = NOON, []
    for minute in range(0, 24 * 60, 1):
        at = NOON + minute * MINUTE
        Destination.objects.filter(environment_id=project.pk).update(paused_until=None)  # rests: see below
        [message] = deliveries(project)
        if message.status != "pending" or message.next_attempt_at is None or message.next_attempt_at > at:
            continue
        with clock.stopped_at(at):
            run(destination)
        tried.append(minute)

    assert tried == [0, 1, 3, 8, 18, 38, 78, 158, 318, 638, 1278]
    [message] = deliveries(project)
    assert (message.status, message.attempts, message.next_attempt_at) == ("failed", 11, None)
    assert message.finished_at == NOON + 1278 * MINUTE
    assert [attempt["http_status"] for attempt in message.tries] == [503] * 11


def test_what_waited_for_longer_than_a_day_is_not_sent(project: Project, site: Web) -> None:
    """Its job may be done before the minute's sweep gives it up: when the server was stopped over a weekend."""
    destination = hook(project, site)
    day = 24 * 60 * MINUTE
    with clock.stopped_at(NOON):
        tell(project)
    with clock.stopped_at(NOON + day + MINUTE):
        run(destination)
    assert site.asked == []
    with clock.stopped_at(NOON + day):
        run(destination)
    assert len(site.asked) == 1


def test_messages_are_sent_in_the_order_in_which_they_were_told(project: Project, site: Web) -> None:
    destination = hook(project, site)
    tell(project, [notice(title=f"Error {number}") for number in range(5)])
    run(destination)
    assert [json.loads(asked.body)["title"] for asked in site.asked] == [f"Error {number}" for number in range(5)]


def test_a_worker_that_died_while_it_sent_leaves_a_message_that_is_sent_again_later(
    project: Project, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = hook(project, site)
    with clock.stopped_at(NOON), pytest.MonkeyPatch.context() as patch:
        tell(project)
        patch.setattr("notifications.delivering.send", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(destination)
    [message] = deliveries(project)
    assert (message.status, message.attempts, message.next_attempt_at) == ("pending", 1, NOON + 2 * MINUTE)

    with clock.stopped_at(NOON + MINUTE):
        run(destination)
        assert site.asked == []
    with clock.stopped_at(NOON + 2 * MINUTE):
        run(destination)
    assert [asked.headers["webhook-id"] for asked in site.asked] == [str(message.pk)]


def test_a_defect_of_this_server_is_an_attempt_that_failed(
    project: Project, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = hook(project, site)
    monkeypatch.setattr("notifications.sending.request", lambda *_, **__: dict[str, str]()["x"])
    tell(project)
    run(destination)
    [message] = deliveries(project)
    assert (message.status, message.error) == ("pending", "this server failed to send it; its log says why")


# ---- rests


def test_five_failures_in_a_row_are_a_rest_of_a_minute(project: Project, site: Web) -> None:
    destination = hook(project, site)
    broken(site)
    with clock.stopped_at(NOON):
        tell(project, [notice() for _ in range(8)])
        run(destination)

    assert len(site.asked) == 5
    assert (destination.failures, destination.paused_until) == (5, NOON + MINUTE)
    assert [message.attempts for message in deliveries(project)] == [1, 1, 1, 1, 1, 0, 0, 0]


def test_after_a_rest_one_message_is_tried_and_the_next_rest_is_twice_as_long(project: Project, site: Web) -> None:
    destination = hook(project, site, failures=5, paused_until=NOON)
    broken(site)
    for number, (minute, pause) in enumerate(((0, 2), (2, 4), (6, 8), (14, 16), (30, 32), (62, 60), (122, 60)), 1):
        with clock.stopped_at(NOON + minute * MINUTE):
            tell(project, [notice(), notice()])
            run(destination)
        assert len(site.asked) == number
        assert destination.paused_until == NOON + (minute + pause) * MINUTE


def test_what_is_taken_ends_the_rest_and_everything_goes_out(project: Project, site: Web) -> None:
    destination = hook(project, site, failures=9, paused_until=NOON)
    with clock.stopped_at(NOON):
        tell(project, [notice() for _ in range(3)])
        run(destination)
    assert len(site.asked) == 3
    assert (destination.failures, destination.paused_until) == (0, None)


@pytest.mark.parametrize("columns", [{"enabled": False}, {"failures": 5, "paused_until": NOON + MINUTE}])
def test_nothing_goes_to_a_destination_that_is_off_or_rests(
    project: Project, site: Web, columns: dict[str, object]
) -> None:
    destination = hook(project, site)
    with clock.stopped_at(NOON):
        tell(project)
        Destination.objects.filter(environment_id=project.pk).update(**columns)
        run(destination)
    assert site.asked == []
    assert [message.status for message in deliveries(project)] == ["pending"]


def test_no_transaction_is_open_while_the_receiver_is_asked(
    transactional_db: None, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project()
    destination = hook(project, site)
    tell(project)
    found: list[bool] = []

    def asked(*arguments: object) -> object:
        found.append(connection.in_atomic_block)
        return send(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(delivering, "send", asked)
    run(destination)
    assert found == [False]
