"""POST {kind}_rules/preview/: which stored events a candidate would have touched. Nothing is changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from environments import clock
from errortracking.api import rules_preview_events
from errortracking.models import AssignmentRule, BypassRule, Event, GroupingRule, Issue, SuppressionRule
from tests.environments.world import Api, World, answer
from tests.errortracking.api.acting import invalid, recorded
from tests.errortracking.pipeline.making import NOON, entry, exception, send, uuid

KINDS = ["assignment_rules", "grouping_rules", "suppression_rules", "bypass_rules"]
SET = {"key": "$exception_types", "operator": "is_set"}


def where(*conditions: dict[str, Any], kind: str = "AND") -> dict[str, Any]:
    return {"type": kind, "values": list(conditions)}


def of_type(name: str) -> dict[str, Any]:
    return where({"key": "$exception_types", "operator": "exact", "value": [name]})


@pytest.fixture
def api(world: World) -> Api:
    return Api(world.project, world.key("*"), below="error_tracking/")


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with clock.stopped_at(NOON + timedelta(seconds=1)):
        yield


def preview(api: Api, kind: str, filters: Any, **fields: Any) -> dict[str, Any]:
    status, found = answer(api.post(f"{kind}/preview/", {"filters": filters, **fields}))
    assert status == 200, found
    return dict(found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_events_that_match_are_counted_and_shown(world: World, api: Api, kind: str) -> None:
    send(world.project, *(entry(exception("KeyError"), uuid=uuid(9000 + number)) for number in range(3)))
    send(world.project, entry(exception("OSError"), uuid=uuid(8000)))
    issue = Issue.objects.get(environment_id=world.project.pk, name="KeyError")
    assert preview(api, kind, of_type("KeyError")) == {
        "date_from": "2026-11-15T12:00:01Z",
        "date_to": "2026-11-22T12:00:01Z",
        "events_read": 4,
        "truncated": False,
        "count": 3,
        "share": 0.75,
        "skipped": 0,
        "failure": None,
        "samples": [
            {
                "uuid": uuid(9000 + number),
                "timestamp": "2026-11-22T12:00:00Z",
                "issue": {"id": str(issue.pk), "name": "KeyError", "description": "no stock"},
            }
            for number in (2, 1, 0)
        ],
    }


def test_nothing_is_changed(world: World, api: Api) -> None:
    send(world.project, entry(exception("KeyError")))
    for kind in KINDS:
        preview(api, kind, where(SET))
    assert recorded(world.project) == []
    for model in (AssignmentRule, GroupingRule, SuppressionRule, BypassRule):
        assert not model._default_manager.filter(environment_id=world.project.pk).exists()
    assert Event.objects.filter(environment_id=world.project.pk).count() == 1


def test_what_was_stored_is_what_rules_saw(world: World, api: Api) -> None:
    """Own properties, what was derived of the stack, and release; not what was added after rules had been tried."""
    send(world.project, entry(exception("KeyError"), properties={"shop": "Berlin", "$exception_list": [{"type": 1}]}))
    send(world.project, entry(exception("KeyError", "no such key"), properties={"shop": "Bonn"}))
    for condition, count in (
        ({"key": "shop", "operator": "exact", "value": "Bonn"}, 1),
        ({"key": "$exception_values", "operator": "icontains", "value": "such"}, 1),
        ({"key": "$exception_functions", "operator": "exact", "value": ["pay"]}, 1),
        ({"key": "$exception_sources", "operator": "regex", "value": r"cart\.py$"}, 1),
        ({"key": "shop", "operator": "is_not", "value": "Rome"}, 1),  # what could not be read is of no issue
        ({"key": "$cymbal_errors", "operator": "is_set"}, 0),
    ):
        found = preview(api, "bypass_rules", where(condition))
        assert (found["events_read"], found["count"]) == (1, count), condition


def test_assignment_rules_see_the_issue_as_if_it_had_just_been_opened(world: World, api: Api) -> None:
    send(world.project, entry(exception("KeyError")), entry(exception("OSError")))
    Issue.objects.filter(environment_id=world.project.pk).update(status="resolved")
    condition = {"type": "error_tracking_issue", "key": "name", "operator": "exact", "value": "OSError"}
    assert preview(api, "assignment_rules", where(condition))["count"] == 1
    status = {"type": "error_tracking_issue", "key": "status", "operator": "exact", "value": "active"}
    assert preview(api, "assignment_rules", where(status))["count"] == 2
    assert answer(api.post("bypass_rules/preview/", {"filters": where(status)}))[0] == 400


def test_grouping_rules_leave_alone_what_a_client_has_grouped(world: World, api: Api) -> None:
    send(world.project, entry(), entry(properties={"$exception_fingerprint": "mine"}))
    assert preview(api, "grouping_rules", where(SET))["count"] == 1
    assert preview(api, "bypass_rules", where(SET))["count"] == 2


def test_of_a_sampling_rate_its_share_is_drawn_as_the_pipeline_draws(world: World, api: Api) -> None:
    # The numbers of the uuids modulo 10,000 are 0 to 9 beyond that of the base.
    base = int(uuid(0).replace("-", ""), 16) % 10_000
    send(world.project, *(entry(uuid=uuid(20_000 - base + number * 1_000)) for number in range(10)))
    for rate, count in ((0, 0), (0.25, 3), (0.5, 5), (1, 10)):
        assert preview(api, "suppression_rules", where(SET), sampling_rate=rate)["count"] == count
    assert preview(api, "suppression_rules", where(SET))["count"] == 10


def test_only_the_last_seven_days_are_looked_at(world: World, api: Api) -> None:
    moments = [NOON - timedelta(days=7, seconds=1), NOON - timedelta(days=6, hours=23), NOON - timedelta(hours=13)]
    for at in [*moments, NOON]:
        send(world.project, entry(timestamp=at.isoformat()), received_at=at)
    found = preview(api, "bypass_rules", where(SET))
    assert found["events_read"] == 3
    assert [sample["timestamp"] for sample in found["samples"]] == [
        "2026-11-22T12:00:00Z",
        "2026-11-21T23:00:00Z",
        "2026-11-15T13:00:00Z",
    ]


@pytest.mark.parametrize(("most", "read", "truncated"), [(4, 4, True), (5, 5, False), (6, 5, False)])
def test_so_many_are_read_and_the_answer_says_so(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch, most: int, read: int, truncated: bool
) -> None:
    monkeypatch.setattr(rules_preview_events, "MOST_EVENTS", most)
    monkeypatch.setattr(rules_preview_events, "AT_ONCE", 2)
    monkeypatch.setattr(rules_preview_events, "SAMPLES", 2)
    send(world.project, *(entry(uuid=uuid(9000 + number)) for number in range(3)))
    yesterday = NOON - timedelta(days=1)
    old = [entry(uuid=uuid(9500 + number), timestamp=yesterday.isoformat()) for number in range(2)]
    send(world.project, *old, received_at=yesterday)
    found = preview(api, "bypass_rules", where(SET))
    assert (found["events_read"], found["truncated"], found["count"], found["share"]) == (read, truncated, read, 1.0)
    assert [sample["uuid"] for sample in found["samples"]] == [uuid(9002), uuid(9001)]


def test_the_newest_are_those_that_happened_last_whatever_their_uuids(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """posthog-python's uuids are drawn by lot, so they say nothing of the time."""
    monkeypatch.setattr(rules_preview_events, "MOST_EVENTS", 4)
    for number, type_ in enumerate(["KeyError", "OSError", "KeyError", "TypeError", "KeyError", "OSError"]):
        at = NOON - timedelta(minutes=number)
        send(world.project, entry(exception(type_), uuid=uuid(9000 + number), timestamp=at.isoformat()))
    found = preview(api, "bypass_rules", where(SET))
    assert (found["events_read"], found["truncated"], found["count"]) == (4, True, 4)
    assert [sample["uuid"] for sample in found["samples"]] == [uuid(9000 + number) for number in range(4)]
    found = preview(api, "bypass_rules", of_type("KeyError"))
    assert (found["count"], [sample["uuid"] for sample in found["samples"]]) == (2, [uuid(9000), uuid(9002)])


def test_it_takes_so_long_and_no_longer(world: World, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    send(world.project, entry(), entry())
    monkeypatch.setattr(rules_preview_events, "SECONDS", -1.0)
    found = preview(api, "bypass_rules", where(SET))
    assert (found["events_read"], found["truncated"], found["count"], found["share"]) == (0, True, 0, 0.0)


def test_a_rule_that_would_be_switched_off_says_why(world: World, api: Api) -> None:
    send(
        world.project,
        entry(properties={"size": 9}, uuid=uuid(9002)),
        entry(properties={"size": "huge"}, uuid=uuid(9001)),
        entry(properties={"size": 9}, uuid=uuid(9000)),
    )
    found = preview(api, "suppression_rules", where({"key": "size", "operator": "gt", "value": 3}))
    assert (found["events_read"], found["count"], found["failure"]["event"]) == (2, 1, uuid(9001))
    assert found["failure"]["message"] == "`gt` compares numbers, but the value is a text that is none"


def test_no_other_projects_events_are_looked_at(world: World, stranger: World, api: Api) -> None:
    send(stranger.project, entry())
    found = preview(api, "bypass_rules", where(SET))
    assert (found["events_read"], found["count"], found["samples"]) == (0, 0, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, invalid("filters", "This field is required.", "required")),
        ({"filters": []}, invalid("filters", "Expected a JSON object.")),
        (
            {"filters": {}},
            invalid(
                "filters",
                "Filters must contain at least one filter value. For all exceptions: $exception_types with is_set.",
                "empty",
            ),
        ),
        (
            {"filters": where({"key": ""})},
            invalid("filters__values__0__key", "Expected the name of a property."),
        ),
    ],
)
def test_wrong_filters_are_a_400_as_of_a_rule(api: Api, kind: str, body: Any, expected: Any) -> None:
    assert answer(api.post(f"{kind}/preview/", body)) == expected


def test_a_wrong_share_is_a_400(api: Api) -> None:
    body = {"filters": where(SET), "sampling_rate": 2}
    expected = invalid("sampling_rate", "Ensure this value is less than or equal to 1.0.", "max_value")
    assert answer(api.post("suppression_rules/preview/", body)) == expected


def test_what_else_a_rule_has_may_be_sent_along(world: World, api: Api) -> None:
    fields = {"order_key": "x", "assignee": None, "description": 7, "id": 9}
    assert preview(api, "grouping_rules", where(SET), **fields)["count"] == 0


@pytest.mark.parametrize("key", ["$exception_fingerprint_version", "$cymbal_errors"])
def test_what_is_added_after_the_rules_were_tried_is_not_seen(world: World, api: Api, key: str) -> None:
    send(world.project, entry(exception("KeyError"), uuid=uuid(9000)))
    assert preview(api, "suppression_rules", where({"key": key, "operator": "is_set"}))["count"] == 0
    assert preview(api, "suppression_rules", where({"key": key, "operator": "is_not_set"}))["count"] == 1
