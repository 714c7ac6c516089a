"""``manage.py check_health`` runs the real kinds and prints what they did."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from errortracking.models import SetAsideEvent
from healthtrack.checks.registry import CHECKS
from tests.environments.world import World
from tests.healthtrack.checks.making import NOON, rows

pytestmark = pytest.mark.django_db


def set_aside(world: World, count: int) -> None:
    SetAsideEvent.objects.bulk_create(
        SetAsideEvent(
            environment=world.project,
            event_uuid=uuid4(),
            received_at=NOON,
            created_at=NOON,
            reason="KeyError: 'a'",
            payload=b"",
        )
        for _ in range(count)
    )


def called(*arguments: str) -> list[list[str]]:
    out = StringIO()
    call_command("check_health", *arguments, stdout=out)
    return [line.split() for line in out.getvalue().splitlines()]


def test_a_table_tells_what_was_found(world: World) -> None:
    set_aside(world, 1)
    header, row = called("--kind", "set_aside_events", "--environment", str(world.project.id))
    assert header == ["kind", "projects", "not", "processed", "firing", "refreshed", "resolved"]
    assert row == ["set_aside_events", "1", "0", "1", "0", "0"]
    assert rows(world.project, "severity", "payload") == [
        (
            "warning",
            {
                "reason": "1 event was accepted and could not be processed",
                "count": 1,
                "oldest": "2026-03-01T12:00:00Z",
                "latest_error": "KeyError: 'a'",
            },
        )
    ]


def test_a_hundred_set_aside_events_are_critical(world: World) -> None:
    set_aside(world, 99)
    called("--kind", "set_aside_events")
    assert rows(world.project, "severity") == ["warning"]
    set_aside(world, 1)
    called("--kind", "set_aside_events")
    assert rows(world.project, "severity", "payload__count") == [("critical", 100)]
    SetAsideEvent.objects.filter(environment_id=world.project.id).delete()
    called("--kind", "set_aside_events")
    assert rows(world.project, "status") == ["resolved"]


def test_of_several_events_the_first_ones_time_and_the_last_ones_error_are_told(world: World, stranger: World) -> None:
    for place, minutes, reason in ((world, 2, "b" * 600), (world, 0, "a"), (world, 1, "c"), (stranger, 9, "d")):
        moment = NOON + timedelta(minutes=minutes)
        SetAsideEvent.objects.create(
            environment=place.project,
            event_uuid=uuid4(),
            received_at=NOON,
            created_at=moment,
            reason=reason,
            payload=b"",
        )
    called("--kind", "set_aside_events")
    payload = {"count": 3, "oldest": "2026-03-01T12:00:00Z", "latest_error": "b" * 500}
    assert rows(world.project, "payload") == [
        {"reason": "3 events were accepted and could not be processed", **payload}
    ]
    assert rows(stranger.project, "payload__latest_error") == ["d"]


def test_without_a_kind_every_check_runs(world: World) -> None:
    assert [line[0] for line in called()[1:]] == sorted(CHECKS)


def test_unknown_projects_and_kinds_are_refused(world: World) -> None:
    with pytest.raises(CommandError, match="There is no project 999999999"):
        called("--environment", "999999999")
    with pytest.raises(CommandError, match="invalid choice: 'nothing'"):
        called("--kind", "nothing")


def test_a_failed_check_is_told_and_ends_with_1(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("healthtrack.checks.recording.record", lambda *_: 1 / 0)
    set_aside(world, 1)
    with pytest.raises(SystemExit) as ended:
        called("--kind", "set_aside_events", "--environment", str(world.project.id))
    assert ended.value.code == 1
    assert "set_aside_events: 1 of 1 projects not processed" in capsys.readouterr().err
