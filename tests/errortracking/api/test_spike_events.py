"""GET …/spike_events/ (contract 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.ids import uuid7
from environments.models import Project
from errortracking.api.spike_events import READERS, SpikeEventViewSet
from errortracking.models import Issue, SpikeEvent
from tests.environments.same import MOMENT, TEXT, assert_same
from tests.environments.world import Api, World, answer, error, statements
from tests.errortracking.api.making import UNKNOWN

DETECTED = datetime(2026, 3, 1, 12, 30, 5, 120_000, tzinfo=UTC)


@pytest.fixture
def spikes(world: World) -> Api:
    """A client of the project's spike events."""
    return Api(world.project, world.key("*"), below="error_tracking/spike_events/")


def make_issue(project: Project, **fields: Any) -> Issue:
    return Issue.objects.create(
        environment=project, **{"name": "TypeError", "description": "x is not a function"} | fields
    )


def make_spike(project: Project, issue: Issue | None = None, **fields: Any) -> SpikeEvent:
    fields = {"detected_at": DETECTED, "computed_baseline": 12.5, "current_bucket_value": 600} | fields
    return SpikeEvent.objects.create(environment=project, issue=issue or make_issue(project), **fields)


def shown(spike: SpikeEvent, **fields: Any) -> dict[str, Any]:
    """What the API shows of a spike that `make_spike` made."""
    return {
        "id": str(spike.id),
        "issue": {"id": str(spike.issue_id), "name": "TypeError", "description": "x is not a function"},
        "detected_at": "2026-03-01T12:30:05.120000Z",
        "computed_baseline": 12.5,
        "current_bucket_value": 600,
    } | fields


def values(spikes: Api, query: str = "") -> list[int]:
    """Return the `current_bucket_value` of each listed spike: tests use it as a name."""
    status, body = answer(spikes.get(query and f"?{query}"))
    assert status == 200, body
    assert body["count"] == len(body["results"])
    return [spike["current_bucket_value"] for spike in body["results"]]


# ---- the object


def test_a_spike_has_the_fields_of_the_contract_in_their_order(world: World, spikes: Api) -> None:
    """7, fields; 11.1: the issue is nested."""
    spike = make_spike(world.project)
    body = answer(spikes.get(""))[1]
    assert body == {"count": 1, "next": None, "previous": None, "results": [shown(spike)]}
    assert list(body["results"][0]) == ["id", "issue", "detected_at", "computed_baseline", "current_bucket_value"]
    assert list(body["results"][0]["issue"]) == ["id", "name", "description"]


def test_an_issue_without_name_and_description_shows_null(world: World, spikes: Api) -> None:
    """7, fields: name and description are string or null."""
    issue = make_issue(world.project, name=None, description=None)
    spike = make_spike(world.project, issue)
    expected = shown(spike, issue={"id": str(issue.id), "name": None, "description": None})
    assert answer(spikes.get(""))[1]["results"] == [expected]


def test_the_issue_is_shown_as_it_is_called_now(world: World, spikes: Api) -> None:
    spike = make_spike(world.project)
    Issue.objects.filter(environment=world.project).update(name="Renamed")
    assert answer(spikes.get(""))[1]["results"][0]["issue"]["name"] == "Renamed"
    assert str(spike.issue_id) == answer(spikes.get(""))[1]["results"][0]["issue"]["id"]


@pytest.mark.parametrize("baseline", [0.0, 4.0, 0.1, 1e300, 2 / 3])
def test_the_baseline_is_a_float(world: World, spikes: Api, baseline: float) -> None:
    """7, fields: computed_baseline float."""
    make_spike(world.project, computed_baseline=baseline)
    found = answer(spikes.get(""))[1]["results"][0]["computed_baseline"]
    assert type(found) is float
    assert found == baseline


def test_texts_of_events_pass_unchanged(world: World, spikes: Api) -> None:
    name = "<script>alert(1)</script> \u2028 '\"\\ 💥"
    make_spike(world.project, make_issue(world.project, name=name, description=name))
    issue = answer(spikes.get(""))[1]["results"][0]["issue"]
    assert (issue["name"], issue["description"]) == (name, name)


def test_the_spikes_of_a_deleted_issue_are_gone(world: World, spikes: Api) -> None:
    """7, model: issue FK cascade."""
    make_spike(world.project, current_bucket_value=1)
    make_spike(world.project, current_bucket_value=2).issue.delete()
    assert values(spikes) == [1]


# ---- the list


def test_the_newest_is_first(world: World, spikes: Api) -> None:
    """7, GET: default order newest detected_at first."""
    for minutes in (5, 9, 0):
        make_spike(world.project, current_bucket_value=minutes, detected_at=DETECTED + timedelta(minutes=minutes))
    assert values(spikes) == [9, 5, 0]


def test_of_two_at_the_same_moment_the_later_id_is_first(world: World, spikes: Api) -> None:
    ids = sorted((str(make_spike(world.project).id) for _ in range(5)), reverse=True)
    assert [spike["id"] for spike in answer(spikes.get(""))[1]["results"]] == ids


def test_a_page_is_100_spikes_and_rows_deep_in_the_list_are_the_right_ones(world: World, spikes: Api) -> None:
    """7, GET: paginated 100."""
    issue = make_issue(world.project)
    SpikeEvent.objects.bulk_create(
        SpikeEvent(
            environment=world.project,
            issue=issue,
            detected_at=DETECTED + timedelta(seconds=number),
            computed_baseline=1.0,
            current_bucket_value=number,
        )
        for number in range(1_003)
    )
    body = answer(spikes.get("?date_to=2026-03-02"))[1]
    assert (body["count"], len(body["results"])) == (1_003, 100)
    assert body["next"] == f"http://testserver{spikes.root}?date_to=2026-03-02&limit=100&offset=100"
    for query in ("", "date_to=2026-03-02&", "order_by=-current_bucket_value&"):
        deep = answer(spikes.get(f"?{query}offset=1000"))[1]["results"]
        assert [spike["current_bucket_value"] for spike in deep] == [2, 1, 0]
        assert deep[0]["issue"]["id"] == str(issue.id)
    reverse = answer(spikes.get("?order_by=current_bucket_value&offset=1001"))[1]["results"]
    assert [spike["current_bucket_value"] for spike in reverse] == [1001, 1002]


def test_foreign_spikes_are_not_listed(world: World, stranger: World, spikes: Api) -> None:
    """1.1: all querysets are filtered by project."""
    theirs = make_spike(stranger.project, current_bucket_value=1)
    make_spike(world.project, current_bucket_value=2)
    assert values(spikes) == [2]
    assert values(spikes, f"issue_ids={theirs.issue_id}") == []


@pytest.mark.parametrize("prefix", ["environments", "projects"])
@pytest.mark.parametrize("ending", ["", "/", ".json"])
def test_both_prefixes_serve_it_with_and_without_slash(world: World, prefix: str, ending: str) -> None:
    """1.1: routing."""
    spike = make_spike(world.project)
    api = Api(world.project, world.key("error_tracking:read"), prefix, "error_tracking/")
    assert answer(api.get(f"spike_events{ending}"))[1]["results"] == [shown(spike)]


def test_it_needs_the_read_scope(world: World) -> None:
    """7, GET: error_tracking:read."""
    text = "API key missing required scope 'error_tracking:read'"
    missing = error(403, "authentication_error", "permission_denied", text)
    assert answer(world.api("health_issue:write").get("error_tracking/spike_events/")) == missing
    assert world.browser().get("error_tracking/spike_events/").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_is_read_only(spikes: Api, method: str) -> None:
    """7, GET: read-only."""
    response = spikes.request(method, "", {})
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["{id}/", f"{UNKNOWN}/", "x/"])
def test_there_is_no_retrieve(world: World, spikes: Api, path: str) -> None:
    """7, GET: list only (no retrieve)."""
    expected = error(404, "invalid_request", "not_found", "Endpoint not found.")
    assert answer(spikes.get(path.format(id=make_spike(world.project).id))) == expected


@pytest.mark.parametrize("query", ["", f"issue_ids={UNKNOWN}", "date_from=2026-01-01&order_by=computed_baseline"])
def test_a_list_is_two_statements(world: World, spikes: Api, query: str) -> None:
    """One for the key, one for the page with its issues and the count."""
    for _ in range(3):
        make_spike(world.project)
    for _ in range(2):  # the first request prepares the statements
        with statements() as sent:
            values(spikes, query)
        assert len(sent) == 2


# ---- the same as the serializer


ISSUE = st.fixed_dictionaries({"name": st.none() | TEXT, "description": st.none() | TEXT})
SPIKE = st.fixed_dictionaries(
    {
        "detected_at": MOMENT,
        "computed_baseline": st.floats(allow_nan=False, allow_infinity=False),
        "current_bucket_value": st.integers(-(2**31), 2**31 - 1),
    }
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(ISSUE, SPIKE), min_size=1, max_size=4))
def test_the_fast_path_shows_what_the_serializer_says(world: World, rows: list[Any]) -> None:
    Issue.objects.filter(environment_id=world.project.pk).delete()
    for issue, spike in rows:
        make_spike(world.project, make_issue(world.project, **issue), id=uuid7(), **spike)
    assert_same(SpikeEventViewSet, world.project, "issue")


def test_every_order_reads_the_same_columns() -> None:
    assert len(READERS) == 6
    assert [reader.shape for reader in READERS.values()] == [SpikeEventViewSet.reader.shape] * 6
