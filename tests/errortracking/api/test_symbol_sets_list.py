"""GET …/symbol_sets/ and …/symbol_sets/{id}/ (contract 10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from errortracking.models import SymbolSet
from tests.environments.world import NOT_FOUND, Api, World, answer, statements
from tests.errortracking.api.making import CREATED, MALFORMED_IDS, UNKNOWN, make_release, make_symbol_set, shown_release
from tests.errortracking.api.uploading import HASH, make_uploaded, refused, symbol_sets

__all__ = ["symbol_sets"]


def listed(symbol_sets: Api, query: str = "") -> list[str]:
    status, body = answer(symbol_sets.get(query))
    assert status == 200, body
    assert body["count"] == len(body["results"])
    return [row["ref"] for row in body["results"]]


def shown(row: SymbolSet, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "ref": row.ref,
        "team_id": row.environment_id,
        "created_at": "2026-03-01T12:30:05.120000Z",
        "last_used": None,
        "storage_ptr": None,
        "failure_reason": None,
        "has_uploaded_file": False,
        "release": None,
    } | fields


def test_an_empty_project_has_none(symbol_sets: Api) -> None:
    assert answer(symbol_sets.get("")) == (200, {"count": 0, "next": None, "previous": None, "results": []})


def test_a_set_shows_what_it_is_and_its_release(world: World, symbol_sets: Api) -> None:
    release = make_release(world.project, metadata={"git": {"branch": "main"}})
    row = make_uploaded(world.project, release=release, last_used=datetime(2026, 3, 2, tzinfo=UTC))
    expected = shown(
        row,
        last_used="2026-03-02T00:00:00Z",
        storage_ptr=row.storage_ptr,
        has_uploaded_file=True,
        release=shown_release(release),
    )
    body = answer(symbol_sets.get(""))[1]
    assert body["results"] == [expected]
    assert list(body["results"][0]) == list(expected)
    assert answer(symbol_sets.get(f"{row.id}/")) == (200, expected)
    assert answer(symbol_sets.get(f"{row.id}")) == (200, expected)


def test_a_failed_fetch_shows_its_reason_and_a_pending_upload_has_no_file(world: World, symbol_sets: Api) -> None:
    failed = make_symbol_set(world.project, ref="https://x.test/a.js", failure_reason='{"JavaScript":"NoSourceUrl"}')
    pending = make_symbol_set(world.project, ref="chunk", storage_ptr="symbolsets/1")
    assert answer(symbol_sets.get(f"{failed.id}/"))[1] == shown(failed, failure_reason='{"JavaScript":"NoSourceUrl"}')
    assert answer(symbol_sets.get(f"{pending.id}/"))[1] == shown(pending, storage_ptr="symbolsets/1")


def test_an_unknown_or_malformed_id_is_not_found(world: World, stranger: World, symbol_sets: Api) -> None:
    foreign = make_symbol_set(stranger.project)
    for id_ in (UNKNOWN, str(foreign.id), *MALFORMED_IDS):
        assert answer(symbol_sets.get(f"{id_}/")) == (404, NOT_FOUND)


def test_the_newest_come_first_and_sets_of_one_moment_by_id(world: World, symbol_sets: Api) -> None:
    for ref, hours in (("b", 1), ("a", 2), ("c", 0), ("d", 1)):
        make_symbol_set(world.project, ref=ref, created_at=CREATED + timedelta(hours=hours))
    assert listed(symbol_sets) == ["a", "d", "b", "c"]


def test_a_page_holds_at_most_100(world: World, symbol_sets: Api) -> None:
    """10: later versions have a maximum of 100."""
    SymbolSet.objects.bulk_create(SymbolSet(environment=world.project, ref=f"chunk-{n:03}") for n in range(102))
    for limit in ("", "&limit=101", "&limit=10000", "&limit=0", "&limit=x"):
        body = answer(symbol_sets.get(f"?order_by=ref{limit}"))[1]
        assert (body["count"], len(body["results"])) == (102, 100), limit
        assert body["next"].endswith("/symbol_sets/?limit=100&offset=100&order_by=ref")
    assert [row["ref"] for row in answer(symbol_sets.get("?order_by=ref&limit=100&offset=100"))[1]["results"]] == [
        "chunk-100",
        "chunk-101",
    ]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("created_at", ["c", "b", "a"]),
        ("-created_at", ["a", "b", "c"]),
        ("ref", ["a", "b", "c"]),
        ("-ref", ["c", "b", "a"]),
        ("last_used", ["b", "c", "a"]),
        ("-last_used", ["a", "c", "b"]),
        ("", ["a", "b", "c"]),
    ],
)
def test_order_by(world: World, symbol_sets: Api, order: str, expected: list[str]) -> None:
    """Sets that were never used stand where PostgreSQL has what is not there: behind the latest."""
    for ref, created, used in (("a", 2, None), ("b", 1, 1), ("c", 0, 2)):
        moment = CREATED + timedelta(hours=created)
        last_used = CREATED + timedelta(hours=used) if used else None
        make_symbol_set(world.project, ref=ref, created_at=moment, last_used=last_used)
    assert listed(symbol_sets, f"?order_by={order}") == expected


def test_ref_finds_exactly_one(world: World, stranger: World, symbol_sets: Api) -> None:
    """6.2, download: `?ref=…&limit=1`."""
    for ref in ("chunk-a", "chunk-aa", "https://x.test/a.js?v=1&w=2"):
        make_symbol_set(world.project, ref=ref)
    make_symbol_set(stranger.project, ref="chunk-b")
    assert listed(symbol_sets, "?ref=chunk-a&limit=1") == ["chunk-a"]
    assert listed(symbol_sets, "?ref=https%3A%2F%2Fx.test%2Fa.js%3Fv%3D1%26w%3D2&limit=1") == [
        "https://x.test/a.js?v=1&w=2"
    ]
    assert listed(symbol_sets, "?ref=chunk-b") == []
    assert listed(symbol_sets, "?ref=CHUNK-A") == []
    assert len(listed(symbol_sets, "?ref=")) == 3


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("CHUNK", ["chunk-a", "chunk-b"]),
        ("2.4.0", ["chunk-b"]),
        ("Shop", ["chunk-b"]),
        ("0ddba", ["chunk-b"]),
        ("100%25", ["https://x.test/100%.js"]),
        ("_", []),
        ("main", []),
        ("", ["chunk-a", "chunk-b", "https://x.test/100%.js"]),
    ],
)
def test_search_looks_at_the_ref_and_at_the_releases_version_project_and_commit(
    world: World, stranger: World, symbol_sets: Api, search: str, expected: list[str]
) -> None:
    metadata = {"git": {"commit_id": "c0ffee0ddba11", "branch": "main"}}
    release = make_release(world.project, version="2.4.0", project="webshop", metadata=metadata)
    make_symbol_set(world.project, ref="chunk-a")
    make_symbol_set(world.project, ref="chunk-b", release=release)
    make_symbol_set(world.project, ref="https://x.test/100%.js")
    foreign = make_release(stranger.project, version="2.4.0", project="webshop", metadata=metadata)
    make_symbol_set(stranger.project, ref="chunk-c", release=foreign)
    assert listed(symbol_sets, f"?search={search}&order_by=ref") == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("all", ["failed", "pending", "uploaded"]),
        ("", ["failed", "pending", "uploaded"]),
        ("valid", ["uploaded"]),
        ("invalid", ["failed", "pending"]),
    ],
)
def test_status_tells_sets_with_data_from_those_without(
    world: World, symbol_sets: Api, status: str, expected: list[str]
) -> None:
    make_symbol_set(world.project, ref="failed", failure_reason="{}")
    make_symbol_set(world.project, ref="pending", storage_ptr="symbolsets/1")
    make_symbol_set(world.project, ref="uploaded", storage_ptr="symbolsets/2", content_hash=HASH)
    assert listed(symbol_sets, f"?order_by=ref&status={status}") == expected


def test_filters_hold_together_and_links_keep_them(world: World, symbol_sets: Api) -> None:
    for number in range(3):
        make_symbol_set(world.project, ref=f"chunk-{number}", storage_ptr=f"k{number}", content_hash=HASH)
    make_symbol_set(world.project, ref="chunk-x")
    body = answer(symbol_sets.get("?status=valid&search=chunk&order_by=ref&limit=2"))[1]
    assert (body["count"], [row["ref"] for row in body["results"]]) == (3, ["chunk-0", "chunk-1"])
    assert body["next"].endswith("/symbol_sets/?limit=2&offset=2&order_by=ref&search=chunk&status=valid")
    following = answer(symbol_sets.get(body["next"].removeprefix("http://testserver")))[1]
    assert [row["ref"] for row in following["results"]] == ["chunk-2"]


@pytest.mark.parametrize("query", ["", "?search=chunk&status=valid&order_by=ref"])
def test_a_page_is_one_statement_however_many_sets_are_on_it(world: World, symbol_sets: Api, query: str) -> None:
    numbers = []
    for _ in range(3):
        make_uploaded(world.project, release=make_release(world.project))
        with statements() as sent:
            listed(symbol_sets, query)
        numbers.append(len([statement for statement in sent if "errortracking_symbolset" in statement]))
        assert ("environments_rowcount" in sent[-1]) == (not query)  # the database keeps the number of all
    assert numbers == [1, 1, 1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=broken", refused("invalid_choice", '"broken" is not a valid choice.', "status")),
        ("order_by=id", refused("invalid_choice", '"id" is not a valid choice.', "order_by")),
        ("ref=%00", refused("null_characters_not_allowed", "Null characters are not allowed.", "ref")),
        ("search=%00", refused("null_characters_not_allowed", "Null characters are not allowed.", "search")),
        (
            f"search={'x' * 201}",
            refused("max_length", "Ensure this field has no more than 200 characters.", "search"),
        ),
    ],
)
def test_a_wrong_parameter_is_named(symbol_sets: Api, query: str, expected: Any) -> None:
    assert answer(symbol_sets.get(f"?{query}")) == expected


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_and_patch_change_nothing_and_show_the_set(world: World, symbol_sets: Api, method: str) -> None:
    """10: no writable field."""
    row = make_symbol_set(world.project)
    body = {"ref": "other", "failure_reason": "x", "storage_ptr": "x", "release": UNKNOWN}
    assert answer(symbol_sets.request(method, f"{row.id}/", body)) == (200, shown(row))
    assert SymbolSet.objects.get(environment=world.project).ref == row.ref
    assert answer(symbol_sets.request(method, f"{UNKNOWN}/", body)) == (404, NOT_FOUND)
