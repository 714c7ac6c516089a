"""Contract 1.5: pages, links, dates, JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from environments.api.pagination import HealthPagination, Pagination
from environments.api.renderers import dumps
from environments.ids import uuid7
from errortracking.models import Release
from tests.environments.world import Api, World, answer, statements

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def releases(world: World) -> list[str]:
    """The versions of 250 releases, newest first, as the list must show them."""
    Release.objects.bulk_create(
        Release(
            environment=world.project,
            hash_id=f"hash{n}",
            version=f"v{n:03}",
            project="web",
            created_at=START + timedelta(seconds=n),
        )
        for n in range(250)
    )
    return [f"v{n:03}" for n in reversed(range(250))]


@pytest.fixture
def api(world: World) -> Api:
    return Api(world.project, world.key("*"), below="error_tracking/releases/")


def page(api: Api, query: str = "") -> tuple[list[str], dict[str, Any]]:
    body = answer(api.get(query and f"?{query}"))[1]
    return [item["version"] for item in body["results"]], body


def link(api: Api, query: str) -> str:
    return f"http://testserver{api.root}?{query}"


def test_the_envelope_and_the_first_page(api: Api, releases: list[str]) -> None:
    """1.5: envelope; default limit 100."""
    versions, body = page(api)
    assert versions == releases[:100]
    assert list(body) == ["count", "next", "previous", "results"]
    assert body["count"] == 250
    assert body["next"] == link(api, "limit=100&offset=100")
    assert body["previous"] is None


def test_previous_drops_an_offset_of_zero(api: Api, releases: list[str]) -> None:
    """1.5: `previous` drops offset when it would be 0."""
    versions, body = page(api, "offset=100")
    assert versions == releases[100:200]
    assert body["next"] == link(api, "limit=100&offset=200")
    assert body["previous"] == link(api, "limit=100")


def test_the_last_page_has_no_next(api: Api, releases: list[str]) -> None:
    """1.5, envelope: `next` is url or null."""
    versions, body = page(api, "offset=200")
    assert versions == releases[200:]
    assert body["next"] is None
    assert body["previous"] == link(api, "limit=100&offset=100")


def test_an_offset_below_the_limit_goes_back_to_the_start(api: Api, releases: list[str]) -> None:
    assert page(api, "offset=30&limit=50")[1]["previous"] == link(api, "limit=50")


def test_links_keep_other_parameters_sorted_by_name(api: Api, releases: list[str]) -> None:
    """1.5: other query parameters kept and sorted by name."""
    body = page(api, "z=1&limit=10&a=%C3%A9+%26&offset=20&b=&a=2")[1]
    assert body["next"] == link(api, "a=%C3%A9+%26&a=2&b=&limit=10&offset=30&z=1")
    assert body["previous"] == link(api, "a=%C3%A9+%26&a=2&b=&limit=10&offset=10&z=1")


def test_following_next_reaches_every_row_once_and_previous_leads_back(api: Api, releases: list[str]) -> None:
    """1.5, envelope: absolute links that can be followed."""
    seen, path = [], f"{api.root}?limit=40"
    while path:
        body = answer(api.get(path))[1]
        seen += [item["version"] for item in body["results"]]
        last, path = path, body["next"] and body["next"].removeprefix("http://testserver")
    assert seen == releases
    pages = 1
    while back := answer(api.get(last))[1]["previous"]:
        last, pages = back.removeprefix("http://testserver"), pages + 1
    assert pages == 7


def test_links_use_the_prefix_and_slash_that_the_client_used(world: World, releases: list[str]) -> None:
    """1.1, links under a rewrite: unknown upstream; here the address that was asked."""
    api = Api(world.project, world.key("*"), "projects")
    body = answer(api.get("error_tracking/releases?limit=1"))[1]
    assert body["next"] == f"http://testserver{api.root}error_tracking/releases?limit=1&offset=1"
    current = answer(api.get("/api/projects/@current/error_tracking/releases/?limit=1"))[1]
    assert current["next"] == "http://testserver/api/projects/@current/error_tracking/releases/?limit=1&offset=1"


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "1e2", "9" * 5000, "%00", "null"])
def test_a_wrong_limit_is_the_default(api: Api, releases: list[str], limit: str) -> None:
    """1.5: limit of 0, negative or non-number."""
    versions, body = page(api, f"limit={limit}")
    assert versions == releases[:100]
    assert body["next"] == link(api, "limit=100&offset=100")


@pytest.mark.parametrize("offset", ["-1", "x", "", "1.5", "%00", "9" * 5000])
def test_a_wrong_offset_is_zero(api: Api, releases: list[str], offset: str) -> None:
    """1.5: bad offset."""
    assert page(api, f"offset={offset}")[0] == releases[:100]


@pytest.mark.parametrize("offset", [250, 251, 10_000, 2**31, 2**63 - 1, 2**63, 2**64, 10**50])
def test_an_offset_past_the_end_is_an_empty_page(api: Api, releases: list[str], offset: int) -> None:
    """1.5: 200 with empty results and correct count; decision table: offsets beyond 64 bits."""
    versions, body = page(api, f"offset={offset}&limit=100")
    assert versions == []
    assert body["count"] == 250
    assert body["next"] is None
    assert body["previous"] == link(api, f"limit=100&offset={offset - 100}")


@pytest.mark.parametrize("limit", [10_000, 10_001, 2**31, 2**63, 2**64, 10**50])
def test_the_limit_is_clamped_at_ten_thousand(api: Api, releases: list[str], limit: int) -> None:
    """Decision table: `limit` on error tracking lists."""
    versions, body = page(api, f"limit={limit}&offset=1")
    assert versions == releases[1:]
    assert body["previous"] == link(api, "limit=10000")


def test_next_is_kept_where_the_limit_was_clamped() -> None:
    """Decision table: clamped at 10 000, `next` kept."""
    pages = Pagination()
    request = Request(RequestFactory().get("/?limit=50000"))
    assert pages.wanted(request) == slice(0, 10_000)
    pages.count = 25_000
    assert pages.envelope([])["next"] == "http://testserver/?limit=10000&offset=10000"


@pytest.mark.parametrize(("asked", "given"), [("", 50), ("limit=250", 250), ("limit=251", 250), ("limit=0", 50)])
def test_health_issues_have_pages_of_50_and_at_most_250(asked: str, given: int) -> None:
    """1.5: health issues."""
    assert HealthPagination().wanted(Request(RequestFactory().get(f"/?{asked}"))) == slice(0, given)


def test_an_empty_list(api: Api) -> None:
    """1.5: envelope."""
    assert page(api) == ([], {"count": 0, "next": None, "previous": None, "results": []})


def test_rows_deep_in_the_list_are_the_right_ones(world: World, api: Api) -> None:
    """Beyond an offset of a thousand the ids are found first: another statement, the same rows."""
    ids = [uuid7() for _ in range(1_205)]
    Release.objects.bulk_create(
        Release(environment=world.project, id=i, hash_id=str(i), version=f"{n}", project="p", created_at=START)
        for n, i in enumerate(sorted(ids, reverse=True))
    )
    assert page(api, "offset=999&limit=3")[0] == ["999", "1000", "1001"]
    assert page(api, "offset=1000&limit=3")[0] == ["1000", "1001", "1002"]
    assert page(api, "offset=1100&limit=200")[0] == [str(n) for n in range(1100, 1205)]


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("releases/", 2),  # one for the key, one for the page with the count
        ("stack_frames/", 2),
        ("releases/?offset=1", 3),  # nothing there that could have brought the count along
        ("stack_frames/?offset=2000", 2),
    ],
)
def test_a_list_is_two_statements(world: World, path: str, number: int) -> None:
    Release.objects.create(environment=world.project, hash_id="h", version="1", project="p")
    api = Api(world.project, world.key("*"), below="error_tracking/")
    for _ in range(7):  # the first request makes the texts, the sixth prepares them
        with statements() as sent:
            assert api.get(path).status_code == 200
        assert len(sent) == number
        assert "environments_personalapikey" in sent[0]
        assert "COUNT(*)" in sent[1] or "environments_rowcount" in sent[1]


def test_a_retrieve_is_two_statements(world: World) -> None:
    release = Release.objects.create(environment=world.project, hash_id="h", version="1", project="p")
    api = world.api()
    with statements() as sent:
        assert api.get(f"error_tracking/releases/{release.pk}/").status_code == 200
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC), "2026-03-01T12:30:05Z"),
        (datetime(2026, 3, 1, 12, 30, 5, 120_000, tzinfo=UTC), "2026-03-01T12:30:05.120000Z"),
        (datetime(2026, 3, 1, 12, 30, 5, 1, tzinfo=UTC), "2026-03-01T12:30:05.000001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_dates_have_a_z_and_microseconds_only_where_there_are_some(
    world: World, api: Api, moment: datetime, text: str
) -> None:
    """1.5: dates."""
    Release.objects.create(environment=world.project, hash_id="h", version="1", project="p", created_at=moment)
    assert page(api)[1]["results"][0]["created_at"] == text


def test_uuids_are_lower_case_with_dashes(world: World, api: Api) -> None:
    """1.5: UUIDs lower-case with dashes."""
    release = Release.objects.create(environment=world.project, hash_id="h", version="1", project="p")
    assert page(api)[1]["results"][0]["id"] == str(release.pk)
    assert str(release.pk) == str(release.pk).lower()
    for spelling in (str(release.pk).upper(), release.pk.hex, release.pk.hex.upper()):
        assert answer(api.get(f"{spelling}/"))[1]["id"] == str(release.pk)


def test_json_is_compact_and_nan_is_null() -> None:
    """1.5: renderer."""
    assert dumps({"a": [1, 2.5, float("nan"), float("inf")], "b": None}) == b'{"a":[1,2.5,null,null],"b":null}'


def test_json_holds_what_orjson_refuses() -> None:
    assert json.loads(dumps({"n": 2**70, "s": "\ud800"})) == {"n": 2**70, "s": "\ud800"}


def test_a_204_has_no_body_and_no_content_type(world: World) -> None:
    """1.5: 204 answers."""
    release = Release.objects.create(environment=world.project, hash_id="h", version="1", project="p")
    response = world.api().delete(f"error_tracking/releases/{release.pk}/")
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response


def test_a_head_request_says_what_get_would(world: World, releases: list[str]) -> None:
    assert world.api().request("HEAD", "error_tracking/releases/").status_code == 200


ADDRESS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=200)
@given(
    fields=st.lists(st.tuples(st.sampled_from(["limit", "offset", "a", "é&="]) | ADDRESS, ADDRESS), max_size=6),
    limit=st.integers(-1, 12),
    offset=st.integers(-1, 40),
    count=st.integers(0, 40),
)
def test_links_are_those_of_drf(fields: list[tuple[str, str]], limit: int, offset: int, count: int) -> None:
    query = urlencode([*fields, ("limit", limit), ("offset", offset)])
    request = Request(RequestFactory().get(f"/api/rel%20eases/?{query}"))
    ours, theirs = Pagination(), LimitOffsetPagination()
    ours.wanted(request)
    ours.count = theirs.count = count
    theirs.request, theirs.limit, theirs.offset = request, ours.limit, ours.offset
    assert ours.get_next_link() == theirs.get_next_link()
    assert ours.get_previous_link() == theirs.get_previous_link()
