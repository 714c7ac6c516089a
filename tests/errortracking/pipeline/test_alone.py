"""Rows that are processed alone: a child process handles them, and the event that it dies of is set aside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from environments.models import Project
from errortracking.pipeline import metrics
from errortracking.pipeline.alone import watch
from tests.errortracking.pipeline.alone import HOOK, doing, ids, process, set_aside
from tests.errortracking.pipeline.making import (
    entry,
    make_project,
    outcomes,
    queue,
    request,
    uuid,
    waiting,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hooked")]


@pytest.fixture
def shop(transactional_db: None) -> Project:
    return make_project()


# ---- what goes well


def test_several_rows_share_a_child(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = subprocess.Popen

    def counted(*arguments: Any, **options: Any) -> object:
        started.append(1)
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    for number in range(5):
        queue(shop, entry(uuid=uuid(number)))
    process(shop)

    assert outcomes(shop) == {"stored": 5}
    assert len(started) == 1


def test_prometheus_is_told_by_the_worker(shop: Project) -> None:
    stored, isolated = metrics.EVENTS.labels("stored")._value, metrics.ISOLATED._value
    allowed = metrics.RATE_LIMITS.labels("allowed", "")._value
    before = stored.get(), isolated.get(), allowed.get()
    queue(shop, entry(), entry())
    process(shop)

    assert (stored.get() - before[0], isolated.get() - before[1], allowed.get() - before[2]) == (2, 1, 2)


# ---- events that raise


def test_an_event_that_takes_all_memory_is_set_aside_and_the_limit_holds(shop: Project) -> None:
    queue(shop, doing("eat", 1), entry(uuid=uuid(2)))
    process(shop)

    assert ids(shop) == [uuid(2)]
    assert set_aside(shop)[uuid(1)].startswith("MemoryError")


# ---- events that end the process


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("crash", "ProcessDied: the process was ended by SIGSEGV"),
        ("kill", "ProcessDied: the process was ended by SIGKILL"),
        ("exit", "ProcessDied: the process ended with status 7"),
    ],
)
def test_an_event_that_ends_the_process_twice_is_set_aside(shop: Project, what: str, reason: str) -> None:
    queue(shop, entry(uuid=uuid(1)), doing(what, 2), entry(uuid=uuid(3)))
    process(shop)

    assert ids(shop) == [uuid(1), uuid(3)]
    assert set_aside(shop) == {uuid(2): reason}
    assert outcomes(shop) == {"stored": 2, "set_aside/ProcessDied": 1}
    assert waiting(shop) == 0


def test_several_fatal_events_of_one_request_are_found_one_after_the_other(shop: Project) -> None:
    queue(shop, doing("exit", 1), entry(uuid=uuid(2)), doing("kill", 3), doing("raise", 4))
    process(shop)

    assert ids(shop) == [uuid(2)]
    assert set(set_aside(shop)) == {uuid(1), uuid(3), uuid(4)}


def test_a_child_that_is_killed_from_outside_once_costs_no_event(
    shop: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Whoever comes to the event first ends; the file says that this has happened, so it is not the event's doing.
    done = tmp_path / "killed"
    once = f"os.path.exists({str(done)!r}) or (open({str(done)!r}, 'w'), os.kill(os.getpid(), 9))"
    hook = HOOK.replace("                while True: pass\n", f"                {once}\n")
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry(uuid=uuid(1)), doing("spin", 2), entry(uuid=uuid(3)))
    process(shop)

    assert done.exists()
    assert ids(shop) == [uuid(1), uuid(2), uuid(3)]
    assert set_aside(shop) == {}


def test_an_event_that_waits_for_ever_is_ended_by_the_clock(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVENT_SECONDS", 0.5)
    queue(shop, doing("sleep", 1), entry(uuid=uuid(2)))
    process(shop)

    assert set_aside(shop) == {uuid(1): "ProcessDied: took longer than 0.5 s"}
    assert ids(shop) == [uuid(2)]


def test_an_event_that_computes_for_ever_is_ended_by_the_kernel(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = HOOK.replace("set_up = django.setup", "set_up = django.setup; child.EVENT_CPU_SECONDS = 0")
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, doing("spin", 1))
    process(shop)

    assert set_aside(shop) == {uuid(1): "ProcessDied: the process was ended by SIGXCPU"}


def test_a_row_that_ends_the_process_before_its_first_event_is_set_aside_as_a_whole(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = HOOK.replace(
        "    set_up()\n",
        "    set_up()\n    from errortracking.models import payload; payload.unpack = lambda _: os._exit(9)\n",
        1,
    )
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", hook])
    queue(shop, entry(), entry())
    process(shop)

    assert list(set_aside(shop).values()) == ["ProcessDied: the process ended with status 9"]
    assert outcomes(shop) == {"set_aside/ProcessDied": 2}
    assert waiting(shop) == 0


def test_a_request_that_takes_more_memory_than_there_is_to_be_read_is_set_aside(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No hook: nine megabytes of JSON, of which Python makes three million lists.
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-m", "errortracking.pipeline.alone.child"])
    monkeypatch.setattr(watch, "MEMORY", 300 * 1024 * 1024)
    content = orjson.dumps(request(entry(properties={"lists": "HERE"}))).replace(
        b'"HERE"', b"[" + b"[],[1]," * 1_500_000 + b"0]"
    )
    queue(shop, payload=zstandard.ZstdCompressor().compress(content), events=1)
    queue(shop, entry(uuid=uuid(2)))
    process(shop)

    (reason,) = set_aside(shop).values()
    assert reason.startswith(("ProcessDied: the process was ended by SIG", "Unreadable: MemoryError")) or (
        "Unreadable: JSONDecodeError: Not enough memory" in reason  # orjson tells by an error of its own
    )
    assert ids(shop) == [uuid(2)]
    assert waiting(shop) == 0
