"""/livez, /readyz and /metrics: always an answer, never a 500."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from environments import clock
from errortracking.models import QueuedRequest
from runtime import probes, schema


@contextmanager
def database_away(error: Exception) -> Iterator[None]:
    """Let every statement fail as it does without a server."""

    def refuse(*_: object) -> None:
        raise error

    with connection.execute_wrapper(refuse):
        yield


@pytest.fixture(autouse=True)
def nothing_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "_migrated", False)


def queue(rows: int, size: int = 10) -> None:
    QueuedRequest.objects.bulk_create(
        QueuedRequest(environment_id=1, received_at=clock.now(), events=1, bytes=size, payload=b"") for _ in range(rows)
    )


@pytest.mark.parametrize("url", ["/livez", "/livez/"])
def test_livez_answers_without_the_database(client: Client, url: str) -> None:
    # Not marked for a database: pytest-django fails the test at the first statement.
    answer = client.get(url)
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/readyz", "/readyz/"])
def test_readyz_names_each_check(client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {
            "database": {"ok": True},
            "migrations": {"ok": True},
            "backlog": {
                "ok": True,
                "requests": 0,
                "bytes": 0,
                "oldest_seconds": 0.0,
                "most_requests": 250_000,
                "most_bytes": 2_147_483_648,
            },
        },
    }


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("no server at postgresql://me:secret@x"), InterfaceError("closed")])
def test_readyz_is_503_without_the_database_and_tells_no_password(client: Client, error: Exception) -> None:
    with database_away(error):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["status"] == "not ready"
    assert answer.json()["checks"]["database"]["ok"] is False
    assert "secret" not in answer.content.decode()


@pytest.mark.django_db
def test_readyz_is_503_while_migrations_are_pending_and_remembers_when_none_are(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "pending", lambda: True)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == {"ok": False, "error": "migrations are pending"}
    monkeypatch.setattr(schema, "pending", lambda: False)
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(schema, "pending", lambda: pytest.fail("asked again"))
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_is_503_when_too_many_requests_wait(client: Client, settings: Any) -> None:
    settings.MAX_BACKLOG_REQUESTS = 3
    queue(3)
    assert client.get("/readyz").json()["checks"]["backlog"]["requests"] == 3
    queue(1)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["backlog"]["ok"] is False


@pytest.mark.django_db
def test_readyz_is_503_when_too_many_bytes_wait(client: Client, settings: Any) -> None:
    settings.MAX_BACKLOG_MB = 1
    queue(1, size=1_048_576)
    assert client.get("/readyz").status_code == 200
    queue(1, size=1)
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("url", ["/livez", "/readyz", "/metrics"])
def test_probes_are_asked_and_not_told(client: Client, url: str) -> None:
    assert client.post(url).status_code == 405


@pytest.mark.django_db
def test_probes_are_left_out_of_the_log(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("/livez", "/readyz", "/metrics"):
        client.get(url)
    assert '"event": "request"' not in capsys.readouterr().err
