"""The table of versions: the shipped one is right, a newer one replaces it, a bad one does not."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from environments import clock
from healthtrack.checks import sdk_versions
from healthtrack.checks.sdk_versions import BadTable, current, from_document, from_json, read_version, shipped
from healthtrack.models import SDKVersionTable
from tests.healthtrack.checks.making import NOON

LATER = date(2027, 6, 1)


def document(day: date = LATER, version: str = "9.0.0", released: str = "2027-05-31") -> dict[str, Any]:
    return {"date": day.isoformat(), "sdks": {"web": [{"version": version, "released": released}]}}


def refresh(tmp_path: Path, content: object, day: date = LATER) -> str:
    path, out = tmp_path / "versions.json", io.StringIO()
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    moment = NOON.replace(year=day.year, month=day.month, day=day.day)
    with clock.stopped_at(moment):
        call_command("refresh_sdk_versions", "--file", str(path), stdout=out)
    return out.getvalue()


def test_the_shipped_table_knows_the_versions_that_were_recorded() -> None:
    table = shipped()
    assert sorted(table.sdks) == ["posthog-node", "posthog-python", "posthog-react-native", "web"]
    assert table.date >= date(2026, 11, 22)
    for name, version in (("web", (1, 449, 2)), ("posthog-node", (5, 70, 0)), ("posthog-python", (7, 91, 1))):
        assert table.sdks[name].latest >= version
        assert version in table.sdks[name].days
    assert table.sdks["posthog-python"].days[(7, 91, 1)] == date(2026, 11, 13)


def test_a_higher_version_is_never_older_in_the_shipped_table() -> None:
    for releases in shipped().sdks.values():
        days = [releases.days[version] for version in sorted(releases.days)]
        assert days == sorted(days)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", (1, 2, 3)),
        ("v1.2", (1, 2, 0)),
        ("7", (7, 0, 0)),
        ("1.2.3-beta.1", (1, 2, 3)),
        ("1.2.3+build", (1, 2, 3)),
        ("", None),
        ("1.2.3.4", None),
        ("1.2.3rc1", None),
        (" 1.2.3", None),
        ("9" * 10, None),
        ("٣.1.0", None),
        ("1.2.3\n", None),
    ],
)
def test_versions_as_sdks_write_them(text: str, version: object) -> None:
    assert read_version(text) == version


def test_the_next_higher_version_tells_by_when_one_was_out() -> None:
    releases = from_document(
        {
            "date": "2026-03-01",
            "about": "two versions",
            "sdks": {
                "web": [
                    {"version": "1.10.0", "released": "2026-02-01"},
                    {"version": "1.9.0", "released": "2026-01-01"},
                ]
            },
        }
    ).sdks["web"]
    assert releases.latest == (1, 10, 0)
    assert releases.released_by((1, 9, 0)) == date(2026, 1, 1)
    assert releases.released_by((0, 1, 0)) == date(2026, 1, 1)
    assert releases.released_by((1, 9, 1)) == date(2026, 2, 1)
    assert releases.released_by((1, 10, 1)) is None


ROW = {"version": "1.0.0", "released": "2026-01-01"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sdks": {}}, "1 to 100 SDKs"),
        ({"sdks": [ROW]}, "1 to 100 SDKs"),
        ({"sdks": {"web": []}}, "web: a list of 1 to 5000 versions"),
        ({"sdks": {"web": ROW}}, "web: a list"),
        ({"sdks": {"Web SDK": [ROW]}}, "'Web SDK' is no name"),
        ({"sdks": {"web": [{**ROW, "more": 1}]}}, "an object with version and released"),
        ({"sdks": {"web": [{**ROW, "version": "1.0.0-beta"}]}}, "'1.0.0-beta' is no released version"),
        ({"sdks": {"web": [{**ROW, "version": 1}]}}, "1 is no released version"),
        ({"sdks": {"web": [ROW, ROW]}}, "web 1.0.0 is there twice"),
        ({"sdks": {"web": [{**ROW, "released": "2026-03-02"}]}}, "released after the table's date"),
        ({"sdks": {"web": [{**ROW, "released": "2026-02-30"}]}}, "'2026-02-30' is no day"),
        ({"sdks": {"web": [{**ROW, "released": "20260101"}]}}, "'20260101' is no day"),
        ({"date": "yesterday"}, "date: 'yesterday' is no day"),
        ({"date": None}, "date: None is no day"),
        ({"more": 1}, "an object with date and sdks"),
    ],
)
def test_a_bad_table_is_refused_with_the_place(change: dict[str, Any], message: str) -> None:
    good = {"date": "2026-03-01", "sdks": {"web": [ROW]}}
    assert from_document(good).date == date(2026, 3, 1)
    with pytest.raises(BadTable, match=message):
        from_document({**good, **change})


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(BadTable):
        from_json(text)


@pytest.mark.django_db
def test_a_refreshed_table_is_used_and_replaced_as_a_whole(tmp_path: Path) -> None:
    assert current() is shipped()
    assert refresh(tmp_path, document()) == "1 versions of 1 SDKs, as of 2027-06-01.\n"
    assert current() == from_document(document())
    refresh(tmp_path, document(LATER + timedelta(days=1), "9.0.1"), LATER + timedelta(days=1))
    assert (current().date, current().sdks["web"].latest) == (date(2027, 6, 2), (9, 0, 1))
    assert SDKVersionTable.objects.count() == 1


@pytest.mark.django_db
def test_a_shipped_table_that_is_newer_than_the_refreshed_one_is_used(tmp_path: Path) -> None:
    refresh(tmp_path, document())
    SDKVersionTable.objects.update(date=shipped().date - timedelta(days=1))
    assert current() is shipped()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        (document(version="x"), "'x' is no released version"),
        (document(date(2027, 6, 3)), "2027-06-03, is yet to come"),
        (document(date(2024, 1, 1), released="2023-01-01"), "It is of 2024-01-01, the one in use of"),
    ],
)
def test_a_bad_file_changes_nothing(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(CommandError, match="The table was not replaced") as refused:
        refresh(tmp_path, content)
    assert message in str(refused.value)
    assert SDKVersionTable.objects.count() == 0


@pytest.mark.django_db
def test_a_missing_or_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file or directory"):
        call_command("refresh_sdk_versions", "--file", str(tmp_path / "nothing.json"))
    monkeypatch.setattr("healthtrack.management.commands.refresh_sdk_versions.MAX_BYTES", 10)
    with pytest.raises(CommandError, match="more than 10 bytes"):
        refresh(tmp_path, document())


@pytest.mark.django_db
def test_the_table_may_come_by_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(json.dumps(document()).encode()))
    monkeypatch.setattr("sys.stdin", given)
    with clock.stopped_at(NOON.replace(year=2027, month=6)):
        call_command("refresh_sdk_versions", "--file", "-", stdout=io.StringIO())
    assert current().date == LATER


def test_the_shipped_file_is_part_of_the_code() -> None:
    assert sdk_versions.SHIPPED.is_relative_to(Path(sdk_versions.__file__).parent)
