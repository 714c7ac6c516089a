"""Every write by a person or a key passes one place, which says who did what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from environments import clock, housekeeping
from environments.api.audit import Actor, Change
from environments.api.audit_values import MAX_TEXT, storable
from environments.models import AuditEntry
from environments.tenancy.guard import maintenance
from errortracking.models import Release
from tests.environments.world import Api, World, answer

LIST = "error_tracking/releases/"


@pytest.fixture
def lines() -> Any:
    """The audit lines of the test, as they are passed to the log."""
    with structlog.testing.capture_logs() as captured:
        yield captured


def writes(lines: list[Any]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "write"]


def made(api: Api) -> str:
    return str(answer(api.post(LIST, {"version": "1", "project": "web", "hash_id": "abc"}))[1]["id"])


def test_a_write_with_a_key_names_user_key_project_object_and_fields(world: World, lines: list[Any]) -> None:
    api = world.api()
    release = made(api)
    row = world.keys[api.key or ""]
    assert writes(lines) == [
        {
            "event": "write",
            "log_level": "info",
            "user": str(world.user.pk),
            "key": row.pk,
            "key_mask": row.mask_value,
            "project": world.project.pk,
            "action": "create",
            "resource": "releases",
            "object": release,
            "changed": ["hash_id", "project", "version"],
        }
    ]


def test_a_write_with_a_session_names_no_key(world: World, lines: list[Any]) -> None:
    made(world.browser())
    [line] = writes(lines)
    assert (line["user"], line["key"], line["key_mask"]) == (str(world.user.pk), None, None)


def test_an_update_names_the_fields_that_changed(world: World, lines: list[Any]) -> None:
    api = world.api()
    path = f"{LIST}{made(api)}/"
    api.patch(path, {"version": "2", "project": "web"})
    api.put(path, {"metadata": {"a": 1}})
    assert [(line["action"], line["changed"]) for line in writes(lines)[1:]] == [
        ("partial_update", ["version"]),
        ("update", ["metadata"]),
    ]


def test_a_delete_is_a_write(world: World, lines: list[Any]) -> None:
    api = world.api()
    release = made(api)
    api.delete(f"{LIST}{release}/")
    assert [(line["action"], line["object"]) for line in writes(lines)] == [("create", release), ("destroy", release)]


def test_what_changes_nothing_is_no_write(world: World, lines: list[Any]) -> None:
    api = world.api()
    release = made(api)
    api.patch(f"{LIST}{release}/", {})
    api.patch(f"{LIST}{release}/", {"version": "1"})
    api.post(LIST, {"version": "1", "project": "web", "hash_id": "abc"})
    api.post(LIST, {})
    api.delete(f"{LIST}01a201fd-0000-7000-8000-000000000000/")
    api.get(LIST)
    api.post("error_tracking/stack_frames/batch_get/", {})
    assert len(writes(lines)) == 1


def test_values_and_keys_are_not_logged(world: World, lines: list[Any]) -> None:
    api = world.api()
    api.post(LIST, {"version": "1", "project": "web", "metadata": {"password": "hunter2"}})
    logged = json.dumps(lines, default=str)
    assert "hunter2" not in logged
    assert (api.key or "x") not in logged


# ---- the table


def entries(world: World) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(environment=world.project).order_by("created_at", "id"))


def test_a_write_leaves_a_row_that_says_who_what_before_and_after(world: World) -> None:
    api, noon = world.api(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    row = world.keys[api.key or ""]
    with clock.stopped_at(noon):
        release = made(api)
    with clock.stopped_at(noon + timedelta(seconds=1)):
        api.patch(f"{LIST}{release}/", {"version": "2", "project": "web", "metadata": {"a": [1, None]}})
    with clock.stopped_at(noon + timedelta(seconds=2)):
        api.delete(f"{LIST}{release}/")
    found = entries(world)
    for seconds, entry in enumerate(found):
        assert (entry.user_id, entry.user_email) == (world.user.pk, world.user.email)
        assert (entry.key_id, entry.key_mask) == (row.pk, row.mask_value)
        assert (entry.resource, entry.object_id) == ("releases", release)
        assert entry.created_at == noon + timedelta(seconds=seconds)
    new = {"hash_id": "abc", "version": "1", "project": "web"}
    last = {"hash_id": "abc", "version": "2", "project": "web", "metadata": {"a": [1, None]}}
    assert [(entry.action, entry.before, entry.after) for entry in found] == [
        ("create", None, new),
        ("partial_update", {"version": "1", "metadata": None}, {"version": "2", "metadata": {"a": [1, None]}}),
        ("destroy", last, None),
    ]


def test_a_row_by_a_session_names_no_key(world: World) -> None:
    made(world.browser())
    [entry] = entries(world)
    assert (entry.user_id, entry.key_id, entry.key_mask) == (world.user.pk, "", "")


def test_what_changes_nothing_or_fails_leaves_no_row(world: World) -> None:
    api = world.api()
    made(api)
    api.post(LIST, {"version": "1", "project": "web", "hash_id": "abc"})
    api.post(LIST, {})
    api.get(LIST)
    assert len(entries(world)) == 1


def test_a_row_outlives_its_user_its_key_and_its_project(world: World) -> None:
    release = made(world.api())
    with maintenance("a user may be known in any project"):
        world.user.delete()
    [entry] = entries(world)
    assert (entry.object_id, entry.user_email) == (release, world.user.email)
    world.project.delete()
    assert AuditEntry.objects.filter(environment_id=entry.environment_id, pk=entry.pk).exists()


def test_secrets_are_not_kept_and_long_values_are_cut(world: World) -> None:
    api = world.api()
    metadata = {"db": {"password": "hunter2", "Api-Key": 17}, "note": f"uses {api.key}", "log": "x" * 9000}
    api.post(LIST, {"version": "v" * 5000, "project": "web", "metadata": metadata})
    [entry] = entries(world)
    assert entry.after is not None
    kept = json.dumps(entry.after)
    assert "hunter2" not in kept
    assert (api.key or "x") not in kept
    assert entry.after["version"] == "v" * 4000 + "… (5000 characters)"
    assert len(kept) < 9000


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("version", "1.0", "1.0"),
        ("version", None, None),
        ("threshold", 500, 500),
        ("big", 10**30, 10**30),
        ("ratio", 0.5, 0.5),
        ("dismissed", True, True),
        ("at", datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00+00:00"),
        ("id", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("metadata", {"a": (1, {"b": None})}, {"a": [1, {"b": None}]}),
        ("secret", "x", "(hidden)"),
        ("secret", None, None),
        ("metadata", {"AUTH_TOKEN": {"a": 1}, "api_key": "k", "apikey": 5, "has_password": True}, None),
        ("note", "phx_" + "a" * 40 + " and phc_12345678", "(hidden) and (hidden)"),
        ("note", "phx_short is no key", "phx_short is no key"),
        ("remote", "https://me:pw@example.com/a", "https://(hidden)@example.com/a"),
        ("list", ["https://t@x/", 1], ["https://(hidden)@x/", 1]),
    ],
)
def test_what_of_a_value_is_kept(name: str, value: Any, kept: Any) -> None:
    if isinstance(value, dict) and "AUTH_TOKEN" in value:
        kept = {"AUTH_TOKEN": "(hidden)", "api_key": "(hidden)", "apikey": "(hidden)", "has_password": True}
    assert storable(name, value) == kept


def test_json_that_is_too_long_is_kept_as_the_beginning_of_its_text() -> None:
    kept = storable("metadata", {"a": "x" * MAX_TEXT})
    assert kept == '{"a": "' + "x" * (MAX_TEXT - 7) + "… (4009 characters)"


def test_rows_are_deleted_after_a_year(world: World, settings: Any) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    fields = {"environment": world.project, "user_id": world.user.pk, "action": "a", "resource": "r"}
    for days in (364, 366, 400):
        AuditEntry.objects.create(object_id=str(days), created_at=now - timedelta(days=days), **fields)
    with clock.stopped_at(now):
        housekeeping.daily()
        assert [entry.object_id for entry in entries(world)] == ["364"]
        settings.AUDIT_DAYS = 30
        housekeeping.daily()
    assert entries(world) == []


def test_many_old_rows_are_deleted_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "STEP", 2)
    fields = {"environment": world.project, "user_id": world.user.pk, "action": "a", "resource": "r"}
    for number in range(5):
        AuditEntry.objects.create(object_id=str(number), created_at=datetime(2020, 1, 1, tzinfo=UTC), **fields)
    assert housekeeping.delete_old_entries() == 5


def test_a_change_that_fails_to_be_recorded_is_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook stands inside the transaction of the change."""

    def fail(change: Change) -> None:
        raise RuntimeError("the record is full")

    monkeypatch.setattr("environments.api.audit.record", fail)
    api = world.api()
    api.client.raise_request_exception = False
    assert api.post(LIST, {"version": "1", "project": "web"}).status_code == 500
    assert not Release.objects.filter(environment=world.project).exists()


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (None, {"a": 1, "b": None}, ["a"]),
        ({"a": 1}, None, ["a"]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ["b"]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_changed_fields_are_those_that_differ(before: Any, after: Any, changed: list[str]) -> None:
    assert Change(Actor("u", None, None), 1, "update", "releases", "x", before, after).changed == changed
