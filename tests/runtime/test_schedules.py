"""Periodic tasks by the one clock: what is due, once, however far the clock has moved meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App
from procrastinate.connector import BaseConnector
from procrastinate.testing import InMemoryConnector

from environments import clock
from runtime import schedules as rooms
from runtime.schedules import Schedules

CRONS = {"hourly": "0 * * * *", "minutely": "* * * * *", "nightly": "30 3 * * *"}


class Fresh(InMemoryConnector):
    """A database in which no worker has ever looked."""

    async def execute_query_all_async(self, query: str, **arguments: Any) -> Any:
        return [] if query == rooms._NEWEST else await super().execute_query_all_async(query, **arguments)

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        if query != rooms._MEET:
            await super().execute_query_async(query, **arguments)


def make_app(connector: BaseConnector) -> App:
    """Return an app with three tasks."""
    made = App(connector=connector)
    for name, cron in CRONS.items():
        task: Any = made.task(name=name)(lambda timestamp: None)
        made.periodic(cron=cron)(task)
    return made


@pytest.fixture
def app() -> App:
    """An app without a database."""
    return make_app(Fresh())


@pytest.fixture
def schedules(app: App) -> Schedules:
    return Schedules(app.periodic_registry, app.connector)


def at(text: str) -> float:
    """Return a moment of one day of June, or of the one that is named before the time."""
    day, _, time = text.rpartition(" ")
    return datetime.fromisoformat(f"2030-06-{day or '03'}T{time}").replace(tzinfo=UTC).timestamp()


def due(schedules: Schedules, moment: str) -> dict[str, str]:
    """Return which tasks are to be deferred at a look, and the times that they were due. The first one is a start."""
    if not schedules.last_defers:
        asyncio.run(schedules.recall(at(moment)))
    return {
        task.task.name: f"{datetime.fromtimestamp(timestamp, UTC):%d %H:%M:%S}"
        for task, timestamp in schedules.get_previous_tasks(at=at(moment))
    }


def test_a_task_is_due_at_its_second_and_then_no_more(schedules: Schedules) -> None:
    assert due(schedules, "12:10:30") == {"minutely": "03 12:10:00"}  # 12:00 was more than ten minutes ago
    assert due(schedules, "12:10:31") == {}
    assert due(schedules, "12:59:59.9") == {"minutely": "03 12:59:00"}
    assert due(schedules, "13:00:00") == {"hourly": "03 13:00:00", "minutely": "03 13:00:00"}
    assert due(schedules, "13:00:59.9") == {}


def test_of_what_was_missed_the_latest_time_is_made_up_for(schedules: Schedules) -> None:
    due(schedules, "20:00:00")
    woken = {"hourly": "04 08:00:00", "minutely": "04 08:20:00", "nightly": "04 03:30:00"}
    assert due(schedules, "04 08:20:05") == woken


def test_the_very_first_start_makes_up_for_ten_minutes(schedules: Schedules) -> None:
    assert "hourly" in due(schedules, "12:09:59")


def test_the_very_first_start_does_not_make_up_for_more(schedules: Schedules) -> None:
    assert "hourly" not in due(schedules, "12:10:01")


def test_nothing_is_due_again_when_the_clock_is_set_back(schedules: Schedules) -> None:
    due(schedules, "12:05:00")
    assert due(schedules, "11:30:00") == {}
    assert due(schedules, "12:05:30") == {}
    assert due(schedules, "12:06:00") == {"minutely": "03 12:06:00"}


def test_a_clock_that_is_moved_is_followed(
    app: App, schedules: Schedules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``HEALTHTRACK_CLOCK_FILE``: the moved clock, not the machine's, says what is due."""
    file = tmp_path / "clock"
    monkeypatch.setattr(clock, "_file", str(file))
    connector = app.connector
    assert isinstance(connector, InMemoryConnector)

    def move(moment: str) -> None:
        file.write_text(str(at(moment) - datetime.now(UTC).timestamp()), encoding="ascii")

    def deferred() -> list[str]:
        defers = [when for (name, _), when in connector.periodic_defers.items() if name == "nightly"]
        return [f"{datetime.fromtimestamp(when, UTC):%d %H:%M}" for when in defers]

    async def follow() -> None:
        move("12:20:10")
        running = asyncio.create_task(schedules.worker())
        for moment, expected in (("04 03:30:01", ["04 03:30"]), ("05 04:00:00", ["05 03:30"])):
            move(moment)
            async with asyncio.timeout(30):
                while deferred() != expected:  # noqa: ASYNC110 - nobody tells; only the last one is kept
                    await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(follow())
    assert len([job for job in connector.jobs.values() if job["task_name"] == "nightly"]) == 2


def test_after_a_clock_was_far_ahead_for_a_moment_all_goes_on(
    app: App, schedules: Schedules, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after the start of a machine that learns the time a little later."""
    file = tmp_path / "clock"
    monkeypatch.setattr(clock, "_file", str(file))
    connector = app.connector
    assert isinstance(connector, InMemoryConnector)

    def deferred() -> set[str]:
        return {f"{datetime.fromtimestamp(when, UTC):%d %H:%M}" for when in connector.periodic_defers.values()}

    async def follow() -> None:
        running: asyncio.Task[None] | None = None
        for moment, expected in (("30 12:20:10", "30 12:20"), ("03 12:30:10", "03 12:30"), ("03 13:00:01", "03 13:00")):
            file.write_text(str(at(moment) - datetime.now(UTC).timestamp()), encoding="ascii")
            running = running or asyncio.create_task(schedules.worker())
            async with asyncio.timeout(30):
                while expected not in deferred():  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
        assert running is not None
        running.cancel()

    asyncio.run(follow())
    assert sorted(job["task_name"] for job in connector.jobs.values()) == ["hourly", *["minutely"] * 3]
