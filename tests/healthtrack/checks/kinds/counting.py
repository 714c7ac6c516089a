"""The daily counters that the kinds read, as the pipeline would have written them."""

from __future__ import annotations

from datetime import datetime, timedelta

from errortracking.models import DailyTally, EventCount, TrafficCount
from errortracking.pipeline.traffic import WATCHED
from tests.environments.world import World
from tests.healthtrack.checks.making import NOON


def sent(world: World, event: str, count: int = 1, *, days_ago: int = 0, sdk: str = "web", version: str = "") -> None:
    """Count events by name, and those of pages by host, too."""
    moment = NOON - timedelta(days=days_ago)
    EventCount.objects.create(
        environment=world.project,
        day=moment.date(),
        event=event,
        sdk=sdk,
        sdk_version=version,
        count=count,
        last_received_at=moment,
    )
    if event in WATCHED:
        page = {"host": "", "has_session": True, "is_proxied": False}
        TrafficCount.objects.get_or_create(
            environment=world.project, day=moment.date(), event=event, sdk=sdk, **page, defaults={"count": count}
        )


def viewed(
    world: World,
    host: str = "shop.example.com",
    count: int = 1,
    *,
    event: str = "$pageview",
    session: bool = True,
    proxied: bool = False,
    days_ago: int = 0,
) -> None:
    """Count page views by host, and once by name, so that the project is one of the web."""
    day = (NOON - timedelta(days=days_ago)).date()
    TrafficCount.objects.create(
        environment=world.project,
        day=day,
        event=event,
        sdk="web",
        host=host,
        has_session=session,
        is_proxied=proxied,
        count=count,
    )
    EventCount.objects.get_or_create(environment=world.project, day=day, event=event, sdk="web")


def tallied(world: World, what: str, count: int, *, days_ago: int = 0) -> None:
    """Count exceptions by how they were sent."""
    moment: datetime = NOON - timedelta(days=days_ago)
    DailyTally.objects.create(
        environment=world.project, day=moment.date(), what=what, count=count, last_received_at=moment
    )
    EventCount.objects.get_or_create(environment=world.project, day=moment.date(), event="$exception")
