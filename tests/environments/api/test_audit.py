"""Every write by a person or a key passes one place, which says who did what."""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog

from environments.api.audit import Actor, Change
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
