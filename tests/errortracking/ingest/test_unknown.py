"""Requests with tokens of no project: an operator sees which, never the whole token, and never more than is bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from environments import clock
from environments.models import Project
from errortracking.ingest import tokens, unknown
from errortracking.models import UnknownToken
from tests.environments.world import make_world, statements
from tests.errortracking.ingest.conftest import TOKEN, an_event

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WRONG = "phc_wrongwrongwrongwrongwrongwrongwrongwrongwrongww"


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock that intervals are measured by; the test moves it by changing the one element."""
    moment = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def send(client: Client) -> Callable[..., int]:
    def sent(token: str = WRONG, at: datetime = NOW) -> int:
        with clock.stopped_at(at):
            body = json.dumps({"api_key": token, "batch": [an_event()]})
            return client.post("/batch/", body, content_type="application/json").status_code

    return sent


def rows() -> list[tuple[Any, ...]]:
    return list(
        UnknownToken.objects.order_by("-last_seen").values_list("prefix", "requests", "first_seen", "last_seen")
    )


def refusals() -> float:
    return REGISTRY.get_sample_value("healthtrack_ingest_refusals_total", {"reason": "unknown_token"}) or 0


def test_a_refused_request_is_a_row_a_number_and_a_line(seconds: list[float], send: Callable[..., int]) -> None:
    before = refusals()
    with capture_logs() as lines:
        assert send() == 401
    assert rows() == [("phc_wron…", 1, NOW, NOW)]
    assert refusals() - before == 1
    [line] = [line for line in lines if line["event"] == "requests with tokens of no project"]
    assert (line["requests"], line["different"], line["digests"]) == (1, 1, [UnknownToken.objects.get().digest])


def test_the_whole_token_is_nowhere(seconds: list[float], send: Callable[..., int]) -> None:
    with capture_logs() as lines:
        send()
    assert WRONG not in str(lines)
    assert WRONG not in str(list(UnknownToken.objects.values()))


def test_further_requests_are_brought_after_ten_seconds(seconds: list[float], send: Callable[..., int]) -> None:
    later = NOW + timedelta(seconds=10)
    for _ in range(3):
        send()
    assert [requests for _, requests, _, _ in rows()] == [1]
    seconds[0] += 9.9
    send(at=later)
    assert [requests for _, requests, _, _ in rows()] == [1]
    seconds[0] += 0.1
    send(at=later)
    assert rows() == [("phc_wron…", 5, NOW, later)]


def test_one_statement_whatever_was_counted(
    seconds: list[float], send: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    send("first")
    for number in range(30):
        send(f"token-number-{number}")
    seconds[0] += 10
    with statements() as sent:
        send("first")
    assert len([text for text in sent if "unknowntoken" in text]) == 1
    assert UnknownToken.objects.count() == 31


def test_an_accepted_request_brings_nothing(seconds: list[float], send: Callable[..., int], project: Project) -> None:
    send()
    send()
    seconds[0] += 60
    assert send(TOKEN) == 200
    with statements() as sent:
        assert send(TOKEN) == 200
    assert [text for text in sent if "unknowntoken" in text] == []
    assert [requests for _, requests, _, _ in rows()] == [1]


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("phc_abcdefghijkl", "phc_abcd…"),
        ("a", "…"),
        ("secret", "sec…"),
        ("0123456789abcdef" * 4, "01234567…"),
        ("a\x1b[31mbcdefghijk", "a?[31mbc…"),
    ],
)
def test_at_most_eight_characters_and_half_of_it_are_shown(token: str, shown: str) -> None:
    assert unknown.masked(token) == shown


def test_the_configuration_and_flags_count_as_well(seconds: list[float], client: Client) -> None:
    assert client.get("/array/phc_browserbrowser/config").status_code == 401
    seconds[0] += 10
    body = json.dumps({"token": "phc_flagsflagsflags"})
    assert client.post("/flags/", body, content_type="application/json").status_code == 401
    assert {prefix for prefix, *_ in rows()} == {"phc_brow…", "phc_flag…"}


def test_badly_formed_tokens_are_no_rows(seconds: list[float], send: Callable[..., int]) -> None:
    for token in ("phx_personal", "", "x" * 65):
        assert send(token) == 401
    assert rows() == []


def test_between_two_statements_memory_is_bounded(
    seconds: list[float], send: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown, "MAX_SEEN", 3)
    send("stored-at-once")
    for number in range(10):
        send(f"{number}-flood-of-tokens")
    assert len(unknown._seen) == 3
    seconds[0] += 10
    send("0-flood-of-tokens")
    assert sorted(rows())[:2] == [("0-flood-…", 2, NOW, NOW), ("1-flood-…", 1, NOW, NOW)]
    assert UnknownToken.objects.count() == 4


def test_a_flood_pushes_out_what_was_seen_once_and_not_what_comes_again(
    seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unknown, "MAX_ROWS", 5)

    def brought(at: datetime, *seen: str) -> None:
        with clock.stopped_at(at):
            for token in seen:
                unknown.note(token)
            unknown.flush()
        seconds[0] += 10

    brought(NOW, "again-and-again", "again-and-again", "once-and-no-more")
    for minute in range(1, 6):
        brought(NOW + timedelta(minutes=minute), f"{minute}a-flood-flood", f"{minute}b-flood-flood")
    kept = [prefix for prefix, *_ in rows()]
    assert sorted(kept[:2]) == ["5a-floo…", "5b-floo…"]
    assert sorted(kept[2:4]) == ["4a-floo…", "4b-floo…"]
    assert kept[4:] == ["again-a…"]
    # After 30 days it is as any other.
    brought(NOW + timedelta(days=31), "6a-flood-flood")
    assert "again-a…" not in {prefix for prefix, *_ in rows()}
    assert UnknownToken.objects.count() == 5


def test_a_database_that_takes_nothing_changes_no_answer_and_loses_no_count(
    seconds: list[float], send: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(unknown, "_store", lambda _: (_ for _ in ()).throw(OperationalError("gone")))
        assert send() == 401
        assert send() == 401
    assert rows() == []
    seconds[0] += 10
    send(at=NOW + timedelta(seconds=10))
    assert rows() == [("phc_wron…", 3, NOW, NOW + timedelta(seconds=10))]


@pytest.mark.django_db(transaction=True)
def test_without_a_database_the_token_is_still_refused(
    seconds: list[float], send: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    send()
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    seconds[0] += 3
    try:
        unknown._due = 0.0
        assert send() == 401  # remembered as unknown for five seconds
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
    assert [requests for _, requests, _, _ in rows()] == [1]
    assert unknown._seen[WRONG].requests == 1


def test_the_admin_lists_the_latest_first(client: Client) -> None:
    world = make_world()
    world.user.is_staff = world.user.is_superuser = True
    world.user.save()
    client.force_login(world.user)
    for number, prefix in enumerate(["<b>phc_…", "second…"]):
        moment = NOW + timedelta(minutes=number)
        UnknownToken.objects.create(
            digest=f"{number}" * 32, prefix=prefix, first_seen=NOW, last_seen=moment, requests=7
        )
    page = client.get("/admin/errortracking/unknowntoken/")
    assert [row.prefix for row in page.context["cl"].result_list] == ["second…", "<b>phc_…"]
    assert "&lt;b&gt;phc_" in page.content.decode()
    assert "<b>phc_" not in page.content.decode()
    assert client.get(f"/admin/errortracking/unknowntoken/{'0' * 32}/change/").status_code == 200
    assert client.get("/admin/errortracking/unknowntoken/add/").status_code == 403
    assert len(client.get("/admin/errortracking/unknowntoken/?q=second").context["cl"].result_list) == 1


def test_what_is_known_is_not_noted(project: Project) -> None:
    assert tokens.environment_of(TOKEN) == project.id
    assert unknown._seen == {}
