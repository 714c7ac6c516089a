"""A project that somebody deletes: its token is refused at once, and what was accepted before is dropped."""

from __future__ import annotations

import json

from django.db import transaction
from django.test import Client

from environments import deletion
from environments.models import Project
from errortracking.ingest import tokens
from errortracking.models import QueuedRequest
from errortracking.pipeline import effect, lease
from tests.errortracking.ingest.conftest import TOKEN, an_event


def send() -> tuple[int, str]:
    body = json.dumps({"api_key": TOKEN, **an_event()})
    response = Client().post("/e/", body, content_type="application/json")
    return response.status_code, response.content.decode()


def test_its_token_is_refused_at_once_also_by_a_process_that_remembers_it(project: Project) -> None:
    assert send()[0] == 200
    with transaction.atomic():
        deletion.request(project)  # no signal: as if another process had done it
    assert tokens._known[TOKEN][0] == project.pk
    assert send() == (401, "API key is not valid: no project has this token")
    tokens.forget()
    assert send() == (401, "API key is not valid: no project has this token")
    assert QueuedRequest.objects.filter(environment_id=project.pk).count() == 1


def test_what_waited_is_dropped_by_a_worker_that_comes_first(project: Project) -> None:
    send()
    with transaction.atomic():
        deletion.request(project)
    effect.apply(lease.take(project.pk))
    assert not QueuedRequest.objects.filter(environment_id=project.pk).exists()
