"""The filter by issues and the orders of GET …/spike_events/ (contract 7 and the decision table)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errortracking.api.spike_event_filters import ORDERS, conditions
from errortracking.api.spike_events import READERS
from errortracking.models import SpikeEvent
from tests.environments.world import Api, World, answer, error
from tests.errortracking.api.making import UNKNOWN
from tests.errortracking.api.test_spike_events import DETECTED, make_issue, make_spike, spikes, values

__all__ = ["spikes"]

WRONG_ISSUE = "Each issue ID must be a UUID."
WRONG_MOMENT = "Must be an ISO 8601 date or date and time, such as 2026-03-01T12:30:00Z."


def invalid(detail: str, attr: str) -> tuple[int, Any]:
    return error(400, "validation_error", "invalid_input", detail, attr)


# ---- issue_ids


def test_issue_ids_keeps_the_spikes_of_these_issues(world: World, spikes: Api) -> None:
    """7, filters: issue_ids = comma list of uuids."""
    one, two, three = (make_issue(world.project) for _ in range(3))
    for number, issue in enumerate([one, two, three, one]):
        make_spike(world.project, issue, current_bucket_value=number, detected_at=DETECTED + timedelta(seconds=number))
    assert values(spikes, f"issue_ids={one.id}") == [3, 0]
    assert values(spikes, f"issue_ids={one.id},{three.id}") == [3, 2, 0]
    assert values(spikes, f"issue_ids={two.id},{two.id},{UNKNOWN}") == [1]
    assert values(spikes, f"issue_ids={UNKNOWN}") == []


def test_blanks_in_issue_ids_are_skipped_and_an_empty_list_is_ignored(world: World, spikes: Api) -> None:
    """7, filters: blanks skipped, empty → ignored."""
    spike = make_spike(world.project, current_bucket_value=1)
    make_spike(world.project, current_bucket_value=2)
    assert values(spikes, f"issue_ids=,+,{spike.issue_id}+,,") == [1]
    for nothing in ("", ",", "+", ",+,,", "%09%0A"):
        assert sorted(values(spikes, f"issue_ids={nothing}")) == [1, 2]


def test_an_issue_id_may_be_spelled_in_capitals_and_without_dashes(world: World, spikes: Api) -> None:
    spike = make_spike(world.project, current_bucket_value=1)
    for spelling in (str(spike.issue_id).upper(), spike.issue_id.hex):
        assert values(spikes, f"issue_ids={spelling}") == [1]


def test_there_may_be_thousands_of_issue_ids(world: World, spikes: Api) -> None:
    """More than a URL usually holds."""
    spike = make_spike(world.project, current_bucket_value=1)
    many = ",".join(f"01a201fd-0000-7000-8000-{number:012}" for number in range(5_000))
    assert values(spikes, f"issue_ids={many},{spike.issue_id}") == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        *("x", "1", "null", UNKNOWN[:-1], UNKNOWN + "0", f"{{{UNKNOWN}}}", f"urn:uuid:{UNKNOWN}", "[]", "9" * 5000),
        *("%00", "%ff", "%F0%9F%92%A5", f"{UNKNOWN};{UNKNOWN}", f"{UNKNOWN}+{UNKNOWN}", UNKNOWN.replace("0", "٠")),
    ],
)
def test_a_malformed_issue_id_is_a_400_that_names_the_parameter(world: World, spikes: Api, wrong: str) -> None:
    """7, later and decision table: `Each issue ID must be a UUID.`, attr issue_ids."""
    make_spike(world.project)
    for query in (wrong, f"{UNKNOWN},{wrong}", f"{wrong},{UNKNOWN}"):
        assert answer(spikes.get(f"?issue_ids={query}")) == invalid(WRONG_ISSUE, "issue_ids")


# ---- order_by


@pytest.fixture
def three(world: World) -> None:
    """Three spikes whose three columns order them in three ways; their buckets are their names."""
    for seconds, baseline, bucket in [(0, 2.0, 3), (1, 3.0, 1), (2, 1.0, 2)]:
        detected_at = DETECTED + timedelta(seconds=seconds)
        make_spike(world.project, detected_at=detected_at, computed_baseline=baseline, current_bucket_value=bucket)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("detected_at", [3, 1, 2]),
        ("-detected_at", [2, 1, 3]),
        ("computed_baseline", [2, 3, 1]),
        ("-computed_baseline", [1, 3, 2]),
        ("current_bucket_value", [1, 2, 3]),
        ("-current_bucket_value", [3, 2, 1]),
    ],
)
def test_each_column_orders_in_both_directions(spikes: Api, three: None, order: str, expected: list[int]) -> None:
    """7, filters: order_by, each with optional `-`."""
    assert values(spikes, f"order_by={order}") == expected
    assert values(spikes, f"order_by={order}&date_from=2026-01-01") == expected


@pytest.mark.parametrize(
    "order",
    [
        *("", "nonsense", "--detected_at", "Detected_at", "+detected_at", "detected_at+", "detected_at,id", "?", "%00"),
        *("id", "pk", "issue__name", "-created_at", "%F0%9F%92%A5", "x" * 5000),
    ],
)
def test_any_other_order_silently_is_the_default(spikes: Api, three: None, order: str) -> None:
    """7, filters: any other value silently → default order."""
    assert values(spikes, f"order_by={order}") == [2, 1, 3]


@pytest.mark.parametrize(
    "order", ["computed_baseline", "-computed_baseline", "current_bucket_value", "-current_bucket_value"]
)
def test_of_equal_values_the_newest_is_first(world: World, spikes: Api, order: str) -> None:
    made = [make_spike(world.project, detected_at=DETECTED + timedelta(seconds=number)) for number in (1, 0, 2)]
    expected = [str(made[place].id) for place in (2, 0, 1)]
    assert [spike["id"] for spike in answer(spikes.get(f"?order_by={order}"))[1]["results"]] == expected


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_pages_do_not_overlap_in_any_order(world: World, spikes: Api, order: str) -> None:
    made = {str(make_spike(world.project).id) for _ in range(12)}
    pages = [answer(spikes.get(f"?order_by={order}&limit=5&offset={offset}"))[1]["results"] for offset in (0, 5, 10)]
    ids = [spike["id"] for page in pages for spike in page]
    assert len(ids) == 12
    assert set(ids) == made


# ---- together


def test_of_several_wrong_parameters_one_is_reported(spikes: Api) -> None:
    assert answer(spikes.get("?date_to=x&date_from=x&issue_ids=x")) == invalid(WRONG_ISSUE, "issue_ids")
    assert answer(spikes.get("?date_to=x&date_from=x")) == invalid(WRONG_MOMENT, "date_from")


def test_of_a_repeated_parameter_the_last_counts(world: World, spikes: Api, three: None) -> None:
    assert values(spikes, "order_by=detected_at&order_by=-current_bucket_value") == [3, 2, 1]
    assert values(spikes, "date_from=nonsense&date_from=2026-01-01") == [2, 1, 3]
    assert values(spikes, f"issue_ids={UNKNOWN}&issue_ids=") == [2, 1, 3]
    assert answer(spikes.get("?date_to=2026-01-01&date_to=x")) == invalid(WRONG_MOMENT, "date_to")


@pytest.mark.parametrize(
    "query", ["issue_id=x", "date=x", "detected_at__gte=x", "environment_id=5", "ordering=id", "=x"]
)
def test_unknown_parameters_are_ignored(spikes: Api, three: None, query: str) -> None:
    """7: `issue_id` existed only in an older version."""
    assert values(spikes, query) == [2, 1, 3]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "spike_event_newest_first"),
        ("date_from=2026-03-20&date_to=2026-03-21", "spike_event_newest_first"),
        ("issue_ids={issue}", "spike_event_of_issue"),
        ("issue_ids={issue}&date_from=2026-03-20", "spike_event_of_issue"),
    ],
)
def test_a_page_is_read_off_an_index(world: World, stranger: World, query: str, index: str) -> None:
    for project in (world.project, stranger.project):
        made = [make_issue(project) for _ in range(40)]
        SpikeEvent.objects.bulk_create(
            SpikeEvent(
                environment=project,
                issue=made[number % 40],
                detected_at=DETECTED + timedelta(minutes=10 * number),
                computed_baseline=1.0,
                current_bucket_value=500,
            )
            for number in range(4_000)
        )
    issue = SpikeEvent.objects.filter(environment=world.project).values_list("issue_id", flat=True)[0]
    wanted = conditions(QueryDict(query.format(issue=issue)))
    rows = SpikeEvent.objects.filter(environment_id=world.project.pk, **wanted)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE errortracking_spikeevent, errortracking_issue")
        listing, parameters = READERS["-detected_at"]._statements(rows).listing
        cursor.execute(f"EXPLAIN {listing} LIMIT 100", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan
    assert "Seq Scan on errortracking_spikeevent" not in plan


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["issue_ids", "date_from", "date_to", "order_by", "limit", "offset"]),
        st.sampled_from([UNKNOWN, "2026-03-01", "detected_at", ","]) | st.binary(max_size=6) | st.datetimes().map(str),
        max_size=5,
    )
)
def test_no_query_string_is_a_defect(world: World, spikes: Api, query: dict[str, Any]) -> None:
    text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    assert spikes.get(f"?{text}").status_code in {200, 400}
