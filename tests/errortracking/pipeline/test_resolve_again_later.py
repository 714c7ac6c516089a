"""Symbol sets that are there and cannot be asked: when they are asked again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from environments.models import Project
from errortracking.pipeline import resolve_again
from errortracking.symbols import parser, wishes
from errortracking.symbols.storage import storage
from tests.errortracking.pipeline.making import send
from tests.errortracking.pipeline.mapping import contents_of, jobs, thrown, upload, web

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parsing_ends() -> Iterator[None]:
    yield
    parser.close()


def minutes() -> list[int]:
    """Return in how many minutes the jobs are due that are queued."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT scheduled_at FROM procrastinate_jobs ORDER BY id")
        now = datetime.now(UTC)
        return [round((scheduled_at - now).total_seconds() / 60) for (scheduled_at,) in cursor.fetchall()]


def waited(project: Project, *refs: str) -> list[int]:
    """Do what is queued for these sets, and return for how long it has waited, in seconds."""
    found = []
    for name, arguments in jobs():
        assert (name, arguments["environment_id"]) == ("errortracking.symbols.resolve_again", project.id)
        assert arguments["refs"] == list(refs)
        resolve_again.resolve_again(**arguments)
        found.append(arguments["waited"])
    return found


def test_the_longer_data_is_not_to_be_had_the_less_often_it_is_asked_for(project: Project) -> None:
    """It may be gone for good: a job each minute and set would be one for ever."""
    uploaded = upload(project, "chunk-1")
    jobs()
    storage().delete(project.id, [uploaded.storage_ptr or ""])
    send(project, thrown(web(chunk_id="chunk-1")))

    assert minutes() == [1]
    assert waited(project, "chunk-1") == [60]
    assert minutes() == [2]
    assert waited(project, "chunk-1") == [120]
    assert minutes() == [4]
    assert [waited(project, "chunk-1") for _ in range(10)] == [
        [seconds] for seconds in (240, 480, 960, 1920, 3840, 7680, 15_360, 30_720, 61_440, 86_400)
    ]
    assert minutes() == [24 * 60]


def test_once_it_is_there_the_frames_are_resolved(project: Project) -> None:
    uploaded = upload(project, "chunk-1")
    jobs()
    key = uploaded.storage_ptr or ""
    data = list(storage().read(project.id, key))
    storage().delete(project.id, [key])
    send(project, thrown(web(chunk_id="chunk-1")))
    storage().write(project.id, key, data)

    assert waited(project, "chunk-1") == [60]
    assert contents_of(project)["a"]["resolved_name"] == "pay"
    assert jobs() == []


def test_what_nobody_has_asked_yet_is_asked_at_once(project: Project) -> None:
    upload(project, "chunk-1")
    jobs()
    for _ in range(2):
        wishes.soon(project.id, ["chunk-1"])
    assert minutes() == [0]
    assert waited(project, "chunk-1") == [0]
