"""Accepted requests that wait for five minutes are told of, and half an hour is critical."""

from __future__ import annotations

from datetime import timedelta

import pytest

from errortracking.models import QueuedRequest
from tests.environments.world import World
from tests.healthtrack.checks.kinds.asking import found
from tests.healthtrack.checks.making import NOON

pytestmark = pytest.mark.django_db


def waiting(world: World, *ages: timedelta) -> None:
    for age in ages:
        QueuedRequest.objects.create(
            environment=world.project, received_at=NOON - age, events=1, bytes=100, payload=b"x" * 100
        )


def test_requests_that_wait_for_minutes_are_told_of(world: World, stranger: World) -> None:
    waiting(world, timedelta(minutes=5), timedelta(seconds=1))
    waiting(stranger, timedelta(minutes=4, seconds=59))
    payload = {
        "reason": "2 accepted requests wait to be processed, the oldest for 5 minutes",
        "waiting_requests": 2,
        "waiting_bytes": 200,
        "oldest_received_at": "2026-03-01T11:55:00Z",
    }
    assert found("ingestion_backlog", world, stranger) == [[("warning", payload)], []]


def test_half_an_hour_is_critical_and_it_is_over_when_they_are_processed(world: World) -> None:
    waiting(world, timedelta(minutes=29, seconds=59))
    assert [severity for severity, _ in found("ingestion_backlog", world)[0]] == ["warning"]
    waiting(world, timedelta(minutes=30))
    assert [severity for severity, _ in found("ingestion_backlog", world)[0]] == ["critical"]
    QueuedRequest.objects.filter(environment_id=world.project.id).delete()
    assert found("ingestion_backlog", world) == [[]]
