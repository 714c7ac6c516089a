"""When an SDK is outdated (pipeline 5.5), worked out by hand for one day and a small table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from healthtrack.checks.sdk_age import Used, are_most_outdated, assess, assess_all
from healthtrack.checks.sdk_versions import Releases, Version, VersionTable

TODAY = date(2026, 3, 1)
SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATEST = (3, 9, 4)


def releases(version: Version, days: int) -> Releases:
    """A table of the version, so many days old, and of the latest, released yesterday."""
    return Releases({version: TODAY - timedelta(days=days), LATEST: TODAY - timedelta(days=1)})


def text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def used(version: Version, count: int = 1) -> Used:
    return Used(text(version), count, SEEN)


def is_outdated(version: Version, days: int, sdk: str = "posthog-node") -> bool:
    """Whether a version is outdated that is in use beside the latest."""
    found = assess(sdk, releases(version, days), [used(version), used(LATEST, 10**6)], TODAY)
    [judged] = [one for one in found.versions if one.version == version]
    return judged.is_outdated


@pytest.mark.parametrize(("days", "outdated"), [(0, False), (6, False), (7, True), (400, True)])
def test_a_major_version_behind_is_outdated_after_the_grace_of_a_week(days: int, outdated: bool) -> None:
    assert is_outdated((2, 40, 0), days) is outdated


@pytest.mark.parametrize(("days", "outdated"), [(13, False), (14, True)])
def test_in_browsers_the_grace_is_two_weeks(days: int, outdated: bool) -> None:
    assert is_outdated((2, 40, 0), days, "web") is outdated


@pytest.mark.parametrize(
    ("version", "days", "outdated"),
    [
        ((3, 6, 0), 6, False),
        ((3, 6, 0), 7, True),
        ((3, 7, 0), 7, False),
        ((3, 7, 0), 180, False),
        ((3, 7, 0), 181, True),
        ((3, 8, 9), 181, True),
    ],
)
def test_a_minor_version_is_outdated_three_behind_or_after_180_days(
    version: Version, days: int, outdated: bool
) -> None:
    assert is_outdated(version, days) is outdated


def test_a_patch_never_is() -> None:
    days = 2000
    assert is_outdated((3, 9, 3), days) is False
    alone = assess("posthog-node", releases((3, 9, 3), days), [used((3, 9, 3))], TODAY)
    assert (alone.newest.is_outdated, alone.is_outdated) == (False, False)


@pytest.mark.parametrize(
    ("version", "days", "outdated"),
    [((2, 0, 0), 30, False), ((2, 0, 0), 31, True), ((3, 8, 0), 30, False), ((3, 8, 0), 31, True)],
)
def test_a_version_that_is_alone_in_use_has_thirty_days(version: Version, days: int, outdated: bool) -> None:
    assert assess("posthog-node", releases(version, days), [used(version)], TODAY).is_outdated is outdated


@pytest.mark.parametrize(
    ("sdk", "days", "old"),
    [
        ("web", 112, False),
        ("web", 113, True),
        ("posthog-python", 113, True),
        ("posthog-react-native", 168, False),
        ("posthog-ios", 169, True),
    ],
)
def test_old_is_16_weeks_and_in_apps_24(sdk: str, days: int, old: bool) -> None:
    found = assess(sdk, releases((3, 9, 3), days), [used((3, 9, 3))], TODAY)
    assert (found.is_old, found.needs_update, found.is_outdated) == (old, old, False)


@pytest.mark.parametrize("version", [LATEST, (3, 9, 5), (3, 10, 0), (4, 0, 0)])
def test_the_newest_that_the_table_knows_is_never_outdated_however_old_the_table(version: Version) -> None:
    old = Releases({(3, 8, 0): date(2023, 1, 1), LATEST: date(2023, 6, 1)})
    assert assess("web", old, [used(version)], TODAY).needs_update is False


@pytest.mark.parametrize(("sdk", "share"), [("web", 20), ("posthog-node", 10)])
def test_an_outdated_version_with_much_of_the_events_is_told(sdk: str, share: int) -> None:
    table = releases((1, 0, 0), 400)
    told = assess(sdk, table, [used((1, 0, 0), share), used(LATEST, 100 - share)], TODAY)
    assert [one.text for one in told.much_used] == ["1.0.0"]
    assert (told.newest.text, told.newest.is_outdated, told.is_outdated) == ("3.9.4", False, True)
    less = assess(sdk, table, [used((1, 0, 0), share - 1), used(LATEST, 101 - share)], TODAY)
    assert (less.much_used, less.needs_update) == ([], False)


def test_apps_that_nobody_updates_are_not_told_by_their_share() -> None:
    rows = [used((1, 0, 0), 99), used(LATEST, 1)]
    found = assess("posthog-react-native", releases((1, 0, 0), 400), rows, TODAY)
    assert (found.versions[1].is_outdated, found.needs_update) == (True, False)


def test_the_newest_in_use_comes_first_whatever_the_order_of_texts() -> None:
    table = Releases({(1, 9, 0): date(2024, 1, 1), (1, 10, 0): date(2024, 2, 1), LATEST: date(2026, 1, 1)})
    rows = [used((1, 9, 0)), Used("nightly", 5, SEEN), used((1, 10, 0))]
    assert [one.text for one in assess("web", table, rows, TODAY).versions] == ["1.10.0", "1.9.0", "nightly"]


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("nightly", "nightly"),
        ("1.2.3.4", "1.2.3.4"),
        ("1.0\n2", "(unreadable)"),
        ("<b>1</b>", "(unreadable)"),
        ("1" * 65, "(unreadable)"),
        ("１.0", "(unreadable)"),
    ],
)
def test_what_cannot_be_read_is_never_outdated_and_only_quoted_where_harmless(version: str, shown: str) -> None:
    found = assess("web", releases((1, 0, 0), 400), [Used(version, 100, SEEN)], TODAY)
    assert (found.needs_update, found.newest.text, found.newest.version) == (False, shown, None)


def test_a_version_that_the_table_lacks_is_as_old_as_the_next_higher_one() -> None:
    table = Releases({(3, 4, 0): date(2020, 1, 1), (3, 4, 9): date(2026, 2, 20), LATEST: date(2026, 2, 28)})
    found = assess("posthog-node", table, [used((3, 4, 5)), used(LATEST)], TODAY)
    assert (found.versions[1].days, found.versions[1].is_outdated) == (9, True)


def test_only_sdks_with_a_table_count() -> None:
    table = VersionTable(TODAY, {"web": releases((1, 0, 0), 400), "posthog-node": releases((1, 0, 0), 400)})
    found = assess_all(table, {"posthog-go": [used((0, 1, 0))], "web": [used((1, 0, 0))]}, TODAY)
    assert [(one.sdk, one.needs_update) for one in found] == [("web", True)]


@pytest.mark.parametrize(
    ("needing", "all_of_them", "most"), [(0, 0, False), (0, 3, False), (1, 1, True), (1, 2, True), (1, 3, False)]
)
def test_half_of_the_sdks_rounded_up_are_most(needing: int, all_of_them: int, most: bool) -> None:
    old = assess("web", releases((1, 0, 0), 400), [used((1, 0, 0))], TODAY)
    good = assess("web", releases((1, 0, 0), 400), [used(LATEST)], TODAY)
    assert are_most_outdated([old] * needing + [good] * (all_of_them - needing)) is most
    assert are_most_outdated([old] * 2 + [good]) is True  # ceil(3 / 2) = 2
