"""Settings and spike detection config: rows that the first of several simultaneous requests makes, over real HTTP."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import models

from environments.api import audit
from errortracking.models import ErrorTrackingSettings, SpikeDetectionConfig
from tests.environments.racing import Rival, all_at_once, meet, rival, sender, settled
from tests.environments.world import World

__all__ = ["rival", "settled"]

pytestmark = pytest.mark.django_db(transaction=True)
NOTHING_SET = {
    "project_rate_limit_value": None,
    "project_rate_limit_bucket_size_minutes": None,
    "per_issue_rate_limit_value": None,
    "per_issue_rate_limit_bucket_size_minutes": None,
}
DEFAULTS = {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500}
SETTINGS = (ErrorTrackingSettings, "settings/", "retrieve_settings/", "update_settings/", NOTHING_SET)
CONFIG = (SpikeDetectionConfig, "spike_detection_config/", "", "update_config/", DEFAULTS)
Case = tuple[type[models.Model], str, str, str, dict[str, Any]]
INSERTS: dict[type[models.Model], str] = {
    ErrorTrackingSettings: "INSERT INTO errortracking_errortrackingsettings (environment_id, project_rate_limit_value)"
    " VALUES (%s, 7)",
    SpikeDetectionConfig: "INSERT INTO errortracking_spikedetectionconfig"
    " (environment_id, snooze_duration_minutes, multiplier, threshold) VALUES (%s, 1, 2, 7)",
}
BY_THE_RIVAL: dict[type[models.Model], dict[str, Any]] = {
    ErrorTrackingSettings: NOTHING_SET | {"project_rate_limit_value": 7},
    SpikeDetectionConfig: {"snooze_duration_minutes": 1, "multiplier": 2, "threshold": 7},
}


@pytest.fixture(params=[SETTINGS, CONFIG], ids=["settings", "spike_detection_config"])
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


def test_two_first_looks_at_once_make_one_row(live_server: Any, settled: World, rival: Rival, case: Case) -> None:
    """5 and 6: created lazily. Both have seen that there is none when the rival's own attempt is undone."""
    model, path, show, _, shown = case
    send = sender(live_server, settled, f"error_tracking/{path}")
    rival.execute(INSERTS[model], [settled.project.pk])
    responses = meet(rival, [lambda: send("GET", show)] * 2, "rollback")
    assert [(response.status_code, response.json()) for response in responses] == [(200, shown)] * 2
    assert model._default_manager.filter(environment_id=settled.project.pk).count() == 1


def test_a_first_look_shows_what_somebody_else_has_made_meanwhile(
    live_server: Any, settled: World, rival: Rival, case: Case
) -> None:
    model, path, show, _, _ = case
    send = sender(live_server, settled, f"error_tracking/{path}")
    rival.execute(INSERTS[model], [settled.project.pk])
    [response] = meet(rival, [lambda: send("GET", show)])
    assert (response.status_code, response.json()) == (200, BY_THE_RIVAL[model])


def test_many_first_looks_make_one_row(live_server: Any, settled: World, case: Case) -> None:
    model, path, show, _, shown = case
    send = sender(live_server, settled, f"error_tracking/{path}")
    responses = all_at_once(8, lambda: send("GET", show))
    assert [(response.status_code, response.json()) for response in responses] == [(200, shown)] * 8
    assert model._default_manager.filter(environment_id=settled.project.pk).count() == 1


def test_two_first_changes_of_different_fields_at_once_are_both_kept(
    live_server: Any, settled: World, rival: Rival, case: Case
) -> None:
    """Neither may write back what it has read of the other's field."""
    model, path, show, change, shown = case
    first, *_, last = shown
    send = sender(live_server, settled, f"error_tracking/{path}")
    rival.execute(INSERTS[model], [settled.project.pk])
    bodies = [{first: 41}, {last: 42}]
    responses = meet(rival, [partial(send, "PATCH", change, body) for body in bodies], "rollback")
    assert [response.status_code for response in responses] == [200, 200]
    assert send("GET", show).json() == shown | {first: 41, last: 42}


def test_two_changes_of_different_fields_at_once_are_both_kept(
    live_server: Any, settled: World, rival: Rival, case: Case
) -> None:
    model, path, show, change, shown = case
    first, *_, last = shown
    model._default_manager.create(environment=settled.project)
    send = sender(live_server, settled, f"error_tracking/{path}")
    table = model._meta.db_table
    rival.execute(f"SELECT FROM {table} WHERE environment_id = %s FOR UPDATE", [settled.project.pk])
    bodies = [{first: 41}, {last: 42}]
    responses = meet(rival, [partial(send, "PATCH", change, body) for body in bodies])
    assert [response.status_code for response in responses] == [200, 200]
    assert send("GET", show).json() == shown | {first: 41, last: 42}


def test_of_two_changes_of_one_field_the_second_knows_of_the_first(
    live_server: Any, settled: World, rival: Rival, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is audited as the value before is the value before."""
    changes: list[audit.Change] = []
    monkeypatch.setattr(audit, "record", changes.append)
    model, path, _, change, shown = case
    field = next(iter(shown))
    model._default_manager.create(environment=settled.project)
    send = sender(live_server, settled, f"error_tracking/{path}")
    rival.execute(f"SELECT FROM {model._meta.db_table} WHERE environment_id = %s FOR UPDATE", [settled.project.pk])
    meet(rival, [lambda: send("PATCH", change, {field: 41}), lambda: send("PATCH", change, {field: 42})])
    first, second = changes
    assert first.before == {field: shown[field]}
    assert second.before == first.after
    assert {first.after[field], second.after[field]} == {41, 42}  # type: ignore[index]


def test_a_first_look_at_a_project_that_is_deleted_meanwhile_is_a_409(
    live_server: Any, settled: World, rival: Rival, case: Case
) -> None:
    model, path, show, change, _ = case
    send = sender(live_server, settled, f"error_tracking/{path}")
    project = settled.project.pk
    rival.execute("UPDATE environments_user SET current_project_id = NULL WHERE current_project_id = %s", [project])
    rival.execute("DELETE FROM environments_project WHERE id = %s", [project])
    responses = meet(rival, [lambda: send("GET", show), lambda: send("PATCH", change, {})])
    assert [(response.status_code, response.json()["code"]) for response in responses] == [(409, "conflict")] * 2
    assert not model._default_manager.filter(environment_id=project).exists()
