"""When an SDK is outdated (pipeline 5.5). Pure: rules over rows of usage and a table of versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from typing import Final, NamedTuple

from healthtrack.checks.sdk_versions import Releases, Version, VersionTable, read_version

MOBILE: Final = frozenset({"posthog-ios", "posthog-android", "posthog-flutter", "posthog-react-native"})
"""SDKs in apps, which their users update when they like."""

NAMES: Final = {
    "web": "Web",
    "posthog-ios": "iOS",
    "posthog-android": "Android",
    "posthog-node": "Node.js",
    "posthog-python": "Python",
    "posthog-php": "PHP",
    "posthog-ruby": "Ruby",
    "posthog-go": "Go",
    "posthog-flutter": "Flutter",
    "posthog-react-native": "React Native",
    "posthog-dotnet": ".NET",
    "posthog-elixir": "Elixir",
}

GRACE_DAYS: Final = 7  # after a release nobody is told to leave it
GRACE_DAYS_WEB: Final = 14  # it is released every other day
# While one version replaces another both are in use. Where there is one alone, the next may be on its way.
SINGLE_VERSION_DAYS: Final = 30
MINORS_BEHIND: Final = 3
MINOR_DAYS: Final = 180
OLD_WEEKS: Final = 16
OLD_WEEKS_MOBILE: Final = 24
ALERT_SHARE: Final = 0.1
ALERT_SHARE_WEB: Final = 0.2

UNREADABLE: Final = "(unreadable)"
# Versions come from events and are quoted to people and agents: what cannot be one is not quoted.
_QUOTABLE: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}", re.ASCII)


class Used(NamedTuple):
    """How often a version of an SDK was in use, and when last."""

    version: str
    events: int
    last_seen: datetime


class Judged(NamedTuple):
    """One version in use. ``days``: since its release, at least; ``None`` where the table does not reach."""

    used: Used
    version: Version | None
    days: int | None
    is_outdated: bool
    is_old: bool

    @property
    def text(self) -> str:
        """The version as it may be shown."""
        return self.used.version if _QUOTABLE.fullmatch(self.used.version) else UNREADABLE


@dataclass(frozen=True, slots=True)
class Assessment:
    """One SDK of a project: all versions in use, the newest first, and those outdated that carry much of the events."""

    sdk: str
    releases: Releases
    versions: Sequence[Judged]
    much_used: Sequence[Judged]

    @property
    def newest(self) -> Judged:
        """The newest version in use."""
        return self.versions[0]

    @property
    def is_outdated(self) -> bool:
        """Whether the newest version in use is outdated, or an outdated one is much used."""
        return self.newest.is_outdated or bool(self.much_used)

    @property
    def is_old(self) -> bool:
        """Whether the newest version in use was released long ago and is not the latest."""
        return self.newest.is_old

    @property
    def needs_update(self) -> bool:
        """Whether to do something about it."""
        return self.is_outdated or self.is_old


def assess(sdk: str, releases: Releases, used: Iterable[Used], today: date) -> Assessment:
    """Judge all versions of one SDK in use, at least one."""
    rows = list(used)
    judged = [_judge(sdk, releases, row, today, is_single=len(rows) == 1) for row in rows]
    judged.sort(key=lambda one: (one.version or (-1, 0, 0), one.used.version), reverse=True)
    total = sum(row.events for row in rows)
    share = alert_share(sdk)
    much_used = [one for one in judged if share and one.is_outdated and one.used.events >= share * total]
    return Assessment(sdk, releases, judged, much_used)


def alert_share(sdk: str) -> float | None:
    """Return the share of an SDK's events from which an outdated version is much used; of apps, never."""
    if sdk in MOBILE:
        return None
    return ALERT_SHARE_WEB if sdk == "web" else ALERT_SHARE


def _judge(sdk: str, releases: Releases, used: Used, today: date, *, is_single: bool) -> Judged:
    version = read_version(used.version) if _QUOTABLE.fullmatch(used.version) else None
    released = releases.released_by(version) if version else None
    days = (today - released).days if released else None
    if version is None or days is None or version >= releases.latest:
        return Judged(used, version, days, is_outdated=False, is_old=False)
    old_after = 7 * (OLD_WEEKS_MOBILE if sdk in MOBILE else OLD_WEEKS)
    is_outdated = _is_outdated(sdk, version, releases.latest, days, is_single=is_single)
    return Judged(used, version, days, is_outdated, is_old=days > old_after)


def _is_outdated(sdk: str, version: Version, latest: Version, days: int, *, is_single: bool) -> bool:
    """Return whether a version below the latest is too far behind it. A patch never is."""
    if version[:2] == latest[:2]:
        return False
    if is_single:
        return days > SINGLE_VERSION_DAYS
    if days < (GRACE_DAYS_WEB if sdk == "web" else GRACE_DAYS):
        return False
    if version[0] < latest[0]:
        return True
    return latest[1] - version[1] >= MINORS_BEHIND or days > MINOR_DAYS


def assess_all(table: VersionTable, used: dict[str, list[Used]], today: date) -> list[Assessment]:
    """Judge the SDKs of one project. One that the table does not know is never outdated, and does not count."""
    return [assess(sdk, table.sdks[sdk], rows, today) for sdk, rows in sorted(used.items()) if sdk in table.sdks]


def are_most_outdated(assessments: Sequence[Assessment]) -> bool:
    """Return whether half of the SDKs or more need an update."""
    needing = sum(one.needs_update for one in assessments)
    return needing > 0 and needing >= ceil(len(assessments) / 2)
