"""A backlog that is full, or a disk that nearly is: 503 before anything is written, and nothing lost."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from environments.models import Organization, Project
from errortracking.ingest import disk, room
from errortracking.ingest.disk import Space
from errortracking.ingest.refusal import Refused
from errortracking.models import QueuedRequest
from tests.environments.world import statements
from tests.errortracking.ingest.conftest import TOKEN, an_event

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = json.dumps({"api_key": TOKEN, "batch": [an_event()]})
MEGABYTE = 1_048_576


def send(client: Client) -> Any:
    headers = {"Origin": "https://app.example"}
    return client.post("/batch/", BODY, content_type="application/json", headers=headers)


def queue(project: Project, requests: int = 1, size: int = 1) -> None:
    for _ in range(requests):
        QueuedRequest.objects.create(
            environment_id=project.id, received_at=NOON, events=1, bytes=size, payload=b"not to be looked at"
        )


def waiting(project: Project) -> int:
    return QueuedRequest.objects.filter(environment_id=project.id).count()


@pytest.fixture
def other(project: Project) -> Project:
    return Project.objects.create(organization=project.organization, name="other")


def test_a_full_backlog_is_503_with_retry_after_and_stores_nothing(
    client: Client, project: Project, other: Project, settings: Any
) -> None:
    settings.MAX_BACKLOG_REQUESTS = 3
    queue(other, requests=3)
    answer = send(client)
    assert (answer.status_code, answer.content) == (503, b"transient error, please retry")
    assert answer["Retry-After"] == "5"
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    assert waiting(project) == 0


def test_the_bound_may_be_reached_and_not_passed(client: Client, project: Project, settings: Any) -> None:
    settings.MAX_BACKLOG_REQUESTS = 3
    assert [send(client).status_code for _ in range(5)] == [200, 200, 200, 503, 503]
    assert waiting(project) == 3


def test_bytes_are_bounded_as_well(client: Client, project: Project, other: Project, settings: Any) -> None:
    settings.MAX_BACKLOG_MB = 2
    queue(other, size=2 * MEGABYTE - 1)
    assert [send(client).status_code for _ in range(2)] == [200, 503]


def test_a_project_that_fills_its_share_leaves_room_for_others(
    client: Client, project: Project, other: Project, settings: Any
) -> None:
    settings.MAX_PROJECT_BACKLOG_REQUESTS = 2
    queue(other, requests=2)
    assert [send(client).status_code for _ in range(3)] == [200, 200, 503]
    with pytest.raises(Refused) as refused:
        room.check(other.id)
    assert (refused.value.status, refused.value.reason) == (503, "project_backlog")


def test_a_projects_bytes_are_bounded_as_well(client: Client, project: Project, settings: Any) -> None:
    settings.MAX_PROJECT_BACKLOG_MB = 1
    queue(project, size=MEGABYTE)
    assert send(client).status_code == 503


def test_events_are_taken_again_once_the_worker_has_caught_up(
    client: Client, project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_BACKLOG_REQUESTS = 1
    queue(project)
    assert send(client).status_code == 503
    QueuedRequest.objects.filter(environment_id=project.id).delete()
    assert send(client).status_code == 503  # the sample is a second old at most
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 30)
    assert send(client).status_code == 200


def test_most_requests_cost_no_query_for_it(client: Client, project: Project) -> None:
    send(client)
    with statements() as sent:
        assert send(client).status_code == 200
    assert len(sent) == 1
    assert "INSERT INTO errortracking_queuedrequest" in sent[0]


def test_a_disk_that_is_nearly_full_refuses_events_and_still_reads(
    client: Client, project: Project, settings: Any
) -> None:
    settings.MIN_FREE_DISK_MB = 2**40  # no disk has so much
    assert send(client).status_code == 503
    assert waiting(project) == 0
    assert client.get(f"/array/{TOKEN}/config").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert b"healthtrack_disk_free_bytes" in client.get("/metrics").content


def test_the_log_says_once_why_a_disk_refuses_events_and_once_that_it_takes_them(
    client: Client, project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    with capture_logs() as lines:
        for after, wanted in ((0, 2**40), (10, 2**40), (20, 1), (30, 1)):  # seconds, megabytes
            monkeypatch.setattr(time, "monotonic", lambda after=after: now + after)
            settings.MIN_FREE_DISK_MB = wanted
            send(client)
    said = [line for line in lines if line["event"].startswith("events are")]
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("events are refused: the database has no more room", "warning"),
        ("events are taken again", "info"),
    ]
    assert said[0]["wanted_mb"] == 2**40
    assert 0 < said[0]["free_mb"] < 2**40


def test_a_database_that_is_too_large_refuses_events(client: Client, project: Project, settings: Any) -> None:
    settings.MAX_DATABASE_MB = 1  # an empty database has seven
    assert send(client).status_code == 503
    assert waiting(project) == 0


@pytest.mark.parametrize(
    ("free", "database", "enough"),
    [
        (512 * MEGABYTE, None, True),
        (512 * MEGABYTE - 1, None, False),
        (None, None, True),
        (None, 100 * MEGABYTE, True),
        (None, 100 * MEGABYTE + 1, False),
        (0, 1, False),
    ],
)
def test_the_bounds_of_the_disk(settings: Any, free: int | None, database: int | None, enough: bool) -> None:
    settings.MIN_FREE_DISK_MB, settings.MAX_DATABASE_MB = 512, 100
    assert Space(free, database).is_enough is enough


def test_nothing_is_asked_where_nothing_is_to_be_known(db: None, settings: Any) -> None:
    settings.MIN_FREE_DISK_MB = settings.MAX_DATABASE_MB = 0
    with CaptureQueriesContext(connection) as queries:
        assert disk.read() == Space(None, None)
    assert len(queries) == 0


def test_a_role_that_may_not_see_the_folder_is_no_error(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE blind")
        cursor.execute("SET LOCAL ROLE blind")
        assert disk.read() == Space(None, None)
        cursor.execute("RESET ROLE")


def test_an_organization_without_requests_has_nothing_waiting(db: None) -> None:
    organization = Organization.objects.create(name="Idle")
    project = Project.objects.create(organization=organization, name="idle")
    room.check(project.id)
