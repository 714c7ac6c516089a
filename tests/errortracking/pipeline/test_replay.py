"""Set-aside events are listed, tried again or deleted, and still end in exactly one outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from environments.models import Project
from errortracking.models import Event, EventLedger, QueuedRequest, SetAsideEvent
from errortracking.pipeline import lease, replay
from errortracking.pipeline.batch import accepted
from errortracking.pipeline.set_aside import set_aside, set_aside_whole
from tests.errortracking.pipeline.making import (
    NOON,
    entry,
    make_project,
    other,
    outcomes,
    queue,
    request,
    send,
    turn,
    uuid,
    waiting,
)


def put_aside(project: Project, *entries: Any, reason: str = "ValueError: no", received_at: Any = NOON) -> None:
    """Set events aside as a child does."""
    for event in accepted(request(*entries, received_at=received_at), received_at):
        with transaction.atomic():
            set_aside(project.id, event, reason)


def left(project: Project) -> int:
    return SetAsideEvent.objects.filter(environment_id=project.id).count()


@pytest.fixture
def run() -> Callable[..., tuple[str, str]]:
    """Return a function that runs the command and returns what it wrote to its two outputs."""

    def command(*arguments: str) -> tuple[str, str]:
        out, err = StringIO(), StringIO()
        call_command("replay", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return command


def test_a_replayed_event_is_stored_and_counted_as_stored_only(project: Project) -> None:
    put_aside(project, entry(uuid=uuid(1)))
    assert outcomes(project) == {"set_aside/ValueError": 1}

    assert replay.replay(project.id) == (1, 0)
    assert (left(project), waiting(project)) == (0, 1)
    turn(project)

    assert {key: count for key, count in outcomes(project).items() if count} == {"stored": 1}
    assert str(Event.objects.get(environment_id=project.id).id) == uuid(1)


def test_a_replayed_event_keeps_the_day_it_was_received(project: Project) -> None:
    put_aside(project, entry(), received_at=NOON - timedelta(days=3))
    replay.replay(project.id)
    turn(project)

    assert Event.objects.get(environment_id=project.id).received_at == NOON - timedelta(days=3)


def test_a_replayed_event_that_fails_again_is_set_aside_again(project: Project) -> None:
    put_aside(project, entry(uuid=uuid(1)))
    replay.replay(project.id)
    QueuedRequest.objects.filter(environment_id=project.id).delete()
    put_aside(project, entry(uuid=uuid(1)), reason="KeyError: still")

    assert {key: count for key, count in outcomes(project).items() if count} == {"set_aside/KeyError": 1}


def test_an_event_that_is_only_counted_can_be_replayed(project: Project) -> None:
    put_aside(project, other(uuid=uuid(1)))
    send(project, entry(uuid=uuid(1)))  # another event, by chance of the same uuid: its place in the ledger is its own
    replay.replay(project.id)
    turn(project)

    assert {key: count for key, count in outcomes(project).items() if count} == {"stored": 1, "counted": 1}
    assert EventLedger.objects.filter(environment_id=project.id).count() == 1


def test_many_events_are_replayed_in_steps(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "STEP", 2)
    put_aside(project, *[entry(uuid=uuid(number)) for number in range(5)])

    assert replay.replay(project.id) == (5, 0)
    while waiting(project):
        turn(project)
    assert Event.objects.filter(environment_id=project.id).count() == 5


def test_a_request_that_was_set_aside_as_a_whole_is_replayed_as_one(project: Project) -> None:
    send(project, entry(uuid=uuid(1)))
    queue(project, entry(uuid=uuid(1)), entry(uuid=uuid(2)), other())
    set_aside_whole(lease.take(project.id), "ProcessDied: it happened")
    assert outcomes(project)["set_aside/ProcessDied"] == 3

    assert replay.replay(project.id) == (1, 0)
    turn(project)

    counted = {key: count for key, count in outcomes(project).items() if count}
    assert counted == {"stored": 2, "duplicate": 1, "counted": 1}


def test_what_cannot_be_read_stays_and_does_not_stop_the_others(project: Project) -> None:
    queue(project, payload=b"rubbish", events=1)
    set_aside_whole(lease.take(project.id), "Unreadable: ValueError: not a payload")
    put_aside(project, entry())

    assert replay.replay(project.id) == (1, 1)
    assert (left(project), waiting(project)) == (1, 1)


def test_an_exception_that_was_accepted_before_is_a_duplicate_and_not_set_aside(project: Project) -> None:
    send(project, entry(uuid=uuid(1)))
    put_aside(project, entry(uuid=uuid(1)))

    assert outcomes(project) == {"stored": 1, "duplicate": 1}
    assert left(project) == 0


def test_a_long_reason_is_cut_and_cleaned(project: Project) -> None:
    put_aside(project, entry(), reason="DataError: " + "\0" + "x" * 5000)

    reason = SetAsideEvent.objects.get(environment_id=project.id).reason
    assert reason == "DataError: \ufffd" + "x" * (2000 - 11 - 3 - 3) + "..."


# ---- the command


def test_the_command_replays_all_projects(project: Project, run: Callable[..., tuple[str, str]]) -> None:
    neighbour = make_project("neighbour")
    put_aside(project, entry(), entry())
    put_aside(neighbour, entry())

    out, _ = run()
    assert out == (
        f"project {project.id}: 2 put back into the queue\nproject {neighbour.id}: 1 put back into the queue\n"
    )
    assert (waiting(project), waiting(neighbour)) == (2, 1)


def test_the_command_replays_one_project(project: Project, run: Callable[..., tuple[str, str]]) -> None:
    neighbour = make_project("neighbour")
    put_aside(project, entry())
    put_aside(neighbour, entry())
    run("--environment", str(neighbour.id))

    assert (left(project), left(neighbour)) == (1, 0)


def test_the_command_lists_without_changing_anything(project: Project, run: Callable[..., tuple[str, str]]) -> None:
    put_aside(project, entry(uuid=uuid(7)))

    assert run("--list")[0] == f"{project.id}  2026-11-22T12:00:00+00:00  {uuid(7)}  ValueError: no\n"
    assert run("--list", "--environment", str(project.id))[0].endswith("ValueError: no\n")
    assert left(project) == 1


def test_the_command_deletes_for_good(project: Project, run: Callable[..., tuple[str, str]]) -> None:
    put_aside(project, entry(), entry())

    assert run("--delete")[0] == f"project {project.id}: 2 deleted\n"
    assert (left(project), waiting(project)) == (0, 0)
    assert outcomes(project) == {"set_aside/ValueError": 2}


def test_the_command_says_what_it_could_not_read(project: Project, run: Callable[..., tuple[str, str]]) -> None:
    queue(project, payload=b"rubbish", events=1)
    set_aside_whole(lease.take(project.id), "Unreadable: ValueError: not a payload")

    assert run() == (
        f"project {project.id}: 0 put back into the queue\n",
        f"project {project.id}: 1 cannot be read and stay\n",
    )


def test_the_command_refuses_a_project_that_does_not_exist(db: None, run: Callable[..., tuple[str, str]]) -> None:
    with pytest.raises(CommandError, match="there is no project 4711"):
        run("--environment", "4711")


def test_there_may_be_nothing_to_do(db: None, run: Callable[..., tuple[str, str]]) -> None:
    for words in ((), ("--list",), ("--delete",)):
        assert run(*words) == ("", "Nothing is set aside.\n")
