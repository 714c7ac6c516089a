"""What the tests of symbol sets that come after the fact share: frames that wait, the job, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from environments.models import Project
from errortracking.models import AwaitedFrame, Event, Fingerprint, Issue
from errortracking.pipeline import resolve_again
from errortracking.symbols import parser
from tests.errortracking.pipeline.mapping import CALLED, web

WEB = [web(CALLED, "c", chunk_id="chunk-1"), web(chunk_id="chunk-1")]
TWO = [web(CALLED, "c", chunk_id="chunk-2", filename="https://shop.example/b.js"), web(chunk_id="chunk-1")]


@pytest.fixture(autouse=True)
def parsing_ends() -> Iterator[None]:
    yield
    parser.close()


def again(project: Project, *refs: str) -> None:
    """Do what the job does that an upload asks for."""
    resolve_again.resolve_again(project.id, refs)


def issues(project: Project) -> int:
    return Issue.objects.filter(environment_id=project.id).count()


def waits(project: Project) -> int:
    return AwaitedFrame.objects.filter(environment_id=project.id).count()


def issue_of(project: Project, event: Any) -> UUID:
    row = Event.objects.get(environment_id=project.id, id=event["uuid"])
    assert row.fingerprint_id is not None
    issue: UUID = Fingerprint.objects.get(environment_id=project.id, id=row.fingerprint_id).issue_id
    return issue
