"""The demo's events in the shapes of three SDKs' wires: posthog-python, posthog-node and posthog-js."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from runtime.demo.stories import STORIES, Place, Raised, Sdk, Story

PAGE_VIEWS: Final = 2
"""Sent with each exception: the pages its user had looked at."""
USERS: Final = 25
DAYS: Final = 12
"""How far back the events reach: beyond the 7 days from which on an issue is long-running."""
VERSIONS: Final[Mapping[Sdk, tuple[str, ...]]] = {
    "posthog-python": ("2.3.0", "2.4.0", "2.4.1"),
    "posthog-node": ("1.8.0", "1.9.0"),
    "web": ("7.0.0", "7.1.0"),
}
APPLICATIONS: Final[Mapping[Sdk, str]] = {
    "posthog-python": "shop-api",
    "posthog-node": "shop-mailer",
    "web": "shop-web",
}
_LIBRARY_VERSIONS: Final[Mapping[Sdk, str]] = {"posthog-python": "7.91.1", "posthog-node": "5.70.0", "web": "1.449.2"}
_PLATFORMS: Final[Mapping[Sdk, str]] = {
    "posthog-python": "python",
    "posthog-node": "node:javascript",
    "web": "web:javascript",
}
# Any constant does; it must never change, or a second run of a seed would add events.
_NAMESPACE: Final = UUID("0b6f3c1e-58a4-4a0e-9f0d-6a5a7c2f1d93")

Event = dict[str, Any]


def event_id(seed: int, number: int, part: str) -> UUID:
    """Return the uuid of one event: the same for the same seed, always."""
    return uuid5(_NAMESPACE, f"{seed}/{number}/{part}")


def make(
    seed: int, number: int, now: datetime, releases: Mapping[tuple[Sdk, str], str]
) -> tuple[Sdk, Event, list[Event]]:
    """Return the SDK, the exception ``number`` of ``seed``, and the page views before it.

    All but the times, which are relative to ``now``, follows from seed and number alone, so that more events of one
    seed begin with the fewer. The first exceptions tell each story once. ``releases`` are ids by SDK and version.
    """
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - chance, no secret
    story = (
        STORIES[number] if number < len(STORIES) else chance.choices(STORIES, [story.weight for story in STORIES])[0]
    )
    user = f"user-{chance.randrange(USERS) + 1}@shop.example"
    at = now - timedelta(seconds=chance.randrange(60, DAYS * 86400))
    exception = _exception(story, event_id(seed, number, "exception"), user, at, releases, chance)
    return story.sdk, exception, [_page_view(seed, number, place, user, at) for place in range(PAGE_VIEWS)]


def burst(seed: int, count: int, now: datetime, releases: Mapping[tuple[Sdk, str], str]) -> tuple[Sdk, list[Event]]:
    """Return ``count`` exceptions of one story within the last two minutes: something has just broken for everybody."""
    chance = random.Random(f"{seed}/burst")  # noqa: S311
    story = STORIES[0]
    made = [
        _exception(
            story,
            event_id(seed, number, "burst"),
            f"user-{chance.randrange(USERS) + 1}@shop.example",
            now - timedelta(seconds=chance.uniform(0, 120)),
            releases,
            chance,
        )
        for number in range(count)
    ]
    return story.sdk, made


def _exception(
    story: Story, uuid: UUID, user: str, at: datetime, releases: Mapping[tuple[Sdk, str], str], chance: random.Random
) -> Event:
    version = chance.choice(VERSIONS[story.sdk])
    return {
        "uuid": str(uuid),
        "event": "$exception",
        "distinct_id": user,
        "timestamp": at.isoformat(),
        "properties": {
            **_library(story.sdk),
            "$exception_list": _chain(story, chance.randrange(1000, 10000)),
            "$exception_level": "error",
            "$release_id": releases[story.sdk, version],
        },
    }


def _library(sdk: Sdk) -> dict[str, Any]:
    server = {} if sdk == "web" else {"$is_server": True, "$geoip_disable": True}
    return {"$lib": sdk, "$lib_version": _LIBRARY_VERSIONS[sdk], **server}


def _page_view(seed: int, number: int, place: int, user: str, at: datetime) -> Event:
    path = ("/checkout", "/cart")[place % 2]
    return {
        "uuid": str(event_id(seed, number, f"page-{place}")),
        "event": "$pageview",
        "timestamp": (at - timedelta(seconds=20 * (place + 1))).isoformat(),
        "properties": {
            **_library("web"),
            "distinct_id": user,  # posthog-js has it here and nowhere else
            "$current_url": f"https://shop.example{path}",
            "$host": "shop.example",
            "$pathname": path,
        },
    }


def _chain(story: Story, order: int) -> list[dict[str, Any]]:
    return [_raised(story.sdk, raised, depth, order) for depth, raised in enumerate(story.chain)]


def _raised(sdk: Sdk, raised: Raised, depth: int, order: int) -> dict[str, Any]:
    mechanism: dict[str, Any] = {"type": "generic", "handled": True, "synthetic": False, "exception_id": 0}
    if depth:
        mechanism = {
            **{"type": "chained", "source": "cause", "synthetic": False},
            **{"exception_id": depth, "parent_id": depth - 1},
        }
    return {
        "type": raised.type,
        "value": raised.value.replace("{order}", str(order)),
        "mechanism": mechanism,
        "stacktrace": {"type": "raw", "frames": [_frame(sdk, place, order) for place in raised.places]},
    }


def _frame(sdk: Sdk, place: Place, order: int) -> dict[str, Any]:
    frame: dict[str, Any] = {
        **{"platform": _PLATFORMS[sdk], "filename": place.file, "function": place.function},
        **{"lineno": place.line, "in_app": True},
    }
    if sdk != "posthog-python":
        frame["colno"] = place.column
    if sdk != "web":
        frame["module"] = place.file.rpartition(".")[0].replace("/", ".")
    if sdk == "posthog-python":
        frame["abs_path"] = f"/srv/{place.file}"
    if place.variables:
        frame["code_variables"] = {name: text.replace("{order}", str(order)) for name, text in place.variables}
    if place.source:
        lines = place.source.splitlines()
        at = next(index for index, line in enumerate(lines) if line.startswith(">"))
        frame.update(pre_context=lines[:at], context_line=lines[at][1:], post_context=lines[at + 1 :])
    return frame
