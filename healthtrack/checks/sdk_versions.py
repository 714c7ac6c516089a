"""Which versions of SDKs there are: a table that is shipped, and a newer one that an operator may have put in."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from healthtrack.models import SDKVersionTable

SHIPPED: Final = Path(__file__).parent / "data" / "sdk_versions.json"
MAX_SDKS: Final = 100
MAX_VERSIONS: Final = 5_000  # of one SDK; posthog-js has made some 1,200

Version = tuple[int, int, int]

_USED: Final = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?(?:[-+][A-Za-z0-9.+-]*)?", re.ASCII)
_LISTED: Final = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)


class BadTable(ValueError):
    """A document that is no table of versions; its text says where and why."""


def read_version(text: str) -> Version | None:
    """Return a version as SDKs write it, as three numbers: missing ones are 0, a pre-release counts as its release.

    ``None`` where it cannot be read. It comes from events: untrusted.
    """
    match = _USED.fullmatch(text)
    if match is None:
        return None
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major, minor, patch


@dataclass(frozen=True)
class Releases:
    """The versions of one SDK, at least one, with the UTC day on which each was released at the latest."""

    days: Mapping[Version, date]

    @cached_property
    def _ordered(self) -> list[Version]:
        return sorted(self.days)

    @property
    def latest(self) -> Version:
        """The highest version."""
        return self._ordered[-1]

    def released_by(self, version: Version) -> date | None:
        """Return a day by which ``version`` was out: its own, else that of the next higher version that is known.

        The table knows few of all versions. Were the next lower one asked, a version would seem older than it is.
        ``None`` beyond the latest.
        """
        place = bisect_left(self._ordered, version)
        return self.days[self._ordered[place]] if place < len(self._ordered) else None


@dataclass(frozen=True, slots=True)
class VersionTable:
    """What was known of SDKs' versions on a day, by the name that the SDK sends as ``$lib``."""

    date: date
    sdks: Mapping[str, Releases]


def from_json(text: bytes) -> VersionTable:
    """Return the table in a file's content. Raises `BadTable`."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadTable(f"not JSON: {error}") from error
    return from_document(document)


def from_document(document: Any) -> VersionTable:
    """Return the table in ``{"date": …, "sdks": {name: [{"version": …, "released": …}]}}``. Raises `BadTable`."""
    if not isinstance(document, dict) or not {"date", "sdks"} <= set(document) <= {"date", "sdks", "about"}:
        raise BadTable("an object with date and sdks is expected")
    made = _day(document["date"], "date")
    sdks = document["sdks"]
    if not isinstance(sdks, dict) or not 0 < len(sdks) <= MAX_SDKS:
        raise BadTable(f"sdks: an object of 1 to {MAX_SDKS} SDKs is expected")
    return VersionTable(made, {name: _releases(name, rows, made) for name, rows in sdks.items()})


def _releases(name: str, rows: Any, made: date) -> Releases:
    if not _NAME.fullmatch(name):
        raise BadTable(f"{name!r} is no name of an SDK")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_VERSIONS:
        raise BadTable(f"{name}: a list of 1 to {MAX_VERSIONS} versions is expected")
    return Releases(_days(name, rows, made))


def _days(name: str, rows: Iterable[Any], made: date) -> dict[Version, date]:
    days: dict[Version, date] = {}
    for row in rows:
        if not isinstance(row, dict) or set(row) != {"version", "released"}:
            raise BadTable(f"{name}: each version is an object with version and released")
        version = row["version"]
        if not isinstance(version, str) or not _LISTED.fullmatch(version):
            raise BadTable(f"{name}: {version!r} is no released version of three numbers")
        major, minor, patch = map(int, version.split("."))
        key = (major, minor, patch)
        if key in days:
            raise BadTable(f"{name} {version} is there twice")
        days[key] = _day(row["released"], f"{name} {version}")
        if days[key] > made:
            raise BadTable(f"{name} {version} was released after the table's date")
    return days


def _day(value: Any, where: str) -> date:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise BadTable(f"{where}: {value!r} is no day in the form 2026-11-22")


@lru_cache(maxsize=1)
def shipped() -> VersionTable:
    """Return the table that this version of the server brings along."""
    return from_json(SHIPPED.read_bytes())


def current() -> VersionTable:
    """Return the newer of the shipped table and the one that ``manage.py refresh_sdk_versions`` has kept."""
    kept = SDKVersionTable.objects.filter(pk=SDKVersionTable.ONLY, date__gte=shipped().date).first()
    if kept is None:
        return shipped()
    return from_document({"date": kept.date.isoformat(), "sdks": kept.sdks})
