"""POST …/stack_frames/batch_get/ (contract 8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errortracking.api.stack_frames import split_raw_id
from errortracking.models import FrameContent, StackFrame
from tests.environments.world import Api, World, answer, error, statements
from tests.errortracking.api.making import (
    UNKNOWN,
    make_frame,
    make_release,
    make_symbol_set,
    shown_frame,
    shown_release,
)

FORM = "application/x-www-form-urlencoded"


def got(frames: Api, body: Any) -> list[str]:
    """Return the raw ids of the answer, sorted."""
    status, answered = answer(frames.post("batch_get/", body))
    assert status == 200
    assert list(answered) == ["results"]
    return sorted(item["raw_id"] for item in answered["results"])


def refused(frames: Api, body: Any) -> tuple[int, Any]:
    return answer(frames.post("batch_get/", body))


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, Any]:
    return error(400, "validation_error", code, detail, attr)


@pytest.fixture
def three(world: World) -> list[StackFrame]:
    return [make_frame(world.project, "a"), make_frame(world.project, "a", 1), make_frame(world.project, "b", 7)]


def test_frames_are_found_by_raw_id_and_part(frames: Api, three: list[StackFrame]) -> None:
    """8, raw_ids: each item hash/part; no count, no links."""
    assert got(frames, {"raw_ids": ["a/1", "b/7"]}) == ["a/1", "b/7"]


def test_a_found_frame_is_shown_as_in_the_list(world: World, frames: Api) -> None:
    """8, batch_get: 200 `{"results": [frame…]}`."""
    release = make_release(world.project)
    symbols = make_symbol_set(world.project, ref="chunk", release=release)
    frame = make_frame(world.project, "abc", symbol_set=symbols)
    expected = shown_frame(frame, symbol_set_ref="chunk", release=shown_release(release))
    assert answer(frames.post("batch_get/", {"raw_ids": ["abc/0"]})) == (200, {"results": [expected]})


def test_without_part_it_is_part_zero(frames: Api, three: list[StackFrame]) -> None:
    """8, raw_ids: without `/` part = 0."""
    assert got(frames, {"raw_ids": ["a"]}) == ["a/0"]


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("abc/1", ("abc", 1)),
        ("abc/0", ("abc", 0)),
        ("abc/-3", ("abc", -3)),
        ("abc/+3", ("abc", 3)),
        ("abc/007", ("abc", 7)),
        ("/5", ("", 5)),
        ("abc", ("abc", 0)),
        ("", ("", 0)),
        ("abc/", ("abc/", 0)),
        ("/", ("/", 0)),
        ("a/b", ("a/b", 0)),
        ("a/1.5", ("a/1.5", 0)),
        ("a/1/2", ("a/1/2", 0)),
        ("a//1", ("a//1", 0)),
        ("a/ 1", ("a/ 1", 0)),
        ("a/1_0", ("a/1_0", 0)),
        ("a/١", ("a/١", 0)),
        ("a/1\n", ("a/1\n", 0)),
    ],
)
def test_a_raw_id_is_split_at_its_only_slash_before_an_integer(text: str, halves: tuple[str, int]) -> None:
    """8, raw_ids: without exactly one `/`, or with a non-integer part, the whole string is the raw id and part = 0."""
    assert split_raw_id(text) == halves


def test_a_raw_id_with_slashes_is_found_as_a_whole(world: World, frames: Api) -> None:
    make_frame(world.project, "a/b/c")
    make_frame(world.project, "d/e")
    assert got(frames, {"raw_ids": ["a/b/c", "d/e"]}) == ["a/b/c/0", "d/e/0"]


def test_duplicates_collapse_and_unknown_ids_are_missing(frames: Api, three: list[StackFrame]) -> None:
    """8: duplicates collapse, unknown ids silently missing."""
    assert got(frames, {"raw_ids": ["a/0", "a", "a/0", "zzz/0", "b/6", "b"]}) == ["a/0"]


def test_a_pair_matches_as_a_pair(frames: Api, three: list[StackFrame]) -> None:
    assert got(frames, {"raw_ids": ["b/1", "a/7"]}) == []


@pytest.mark.parametrize(
    "part", ["2147483647", "2147483648", "-2147483648", "9223372036854775808", "1" + "0" * 30, "-" + "9" * 4_500]
)
def test_a_part_beyond_the_column_is_on_no_frame(frames: Api, three: list[StackFrame], part: str) -> None:
    assert got(frames, {"raw_ids": [f"a/{part}", "a/1"]}) == ["a/1"]


@pytest.mark.parametrize("body", [None, {}, {"raw_ids": None}, {"raw_ids": []}, {"other": 1, "limit": 1}])
def test_without_raw_ids_it_is_every_frame(frames: Api, three: list[StackFrame], body: Any) -> None:
    """8, raw_ids: missing or empty = no filter."""
    assert got(frames, body) == ["a/0", "a/1", "b/7"]


def test_without_raw_ids_it_is_at_most_ten_thousand_frames(world: World, frames: Api) -> None:
    """Decision table: batch_get without raw_ids is bounded."""
    content = FrameContent.objects.create(environment=world.project, hash=b"x", contents={}, resolved=False)
    StackFrame.objects.bulk_create(
        [StackFrame(environment=world.project, raw_id=f"f{n}", content=content) for n in range(10_001)]
    )
    assert len(answer(frames.post("batch_get/", {}))[1]["results"]) == 10_000


def test_ten_thousand_raw_ids_are_the_most(frames: Api, three: list[StackFrame]) -> None:
    """Decision table: `raw_ids` at most 10 000."""
    many = [f"x{n}/0" for n in range(9_999)]
    assert got(frames, {"raw_ids": [*many, "a/0"]}) == ["a/0"]
    expected = invalid("Ensure this field has no more than 10000 elements.", "raw_ids", "max_length")
    assert refused(frames, {"raw_ids": [*many, "a/0", "a/0"]}) == expected


def test_many_raw_ids_are_still_one_statement(frames: Api) -> None:
    with statements() as sent:
        assert got(frames, {"raw_ids": [f"x{n}" for n in range(5_000)]}) == []
    assert len([statement for statement in sent if "errortracking_" in statement]) == 1


# ---- symbol_set


def test_a_symbol_set_restricts_to_its_frames(world: World, frames: Api, three: list[StackFrame]) -> None:
    """8, symbol_set: filters by the symbol set's id."""
    symbols = make_symbol_set(world.project)
    make_frame(world.project, "a", 5, symbol_set=symbols)
    assert got(frames, {"symbol_set": str(symbols.id)}) == ["a/5"]
    assert got(frames, {"symbol_set": str(symbols.id).upper(), "raw_ids": ["a/5", "a/0"]}) == ["a/5"]
    assert got(frames, {"symbol_set": str(symbols.id), "raw_ids": ["a/0"]}) == []
    assert got(frames, {"symbol_set": UNKNOWN}) == []


@pytest.mark.parametrize("symbol_set", [None, "", 0, False, [], {}])
def test_a_falsy_symbol_set_is_no_filter(frames: Api, three: list[StackFrame], symbol_set: Any) -> None:
    """8, symbol_set: falsy = no filter."""
    assert got(frames, {"symbol_set": symbol_set}) == ["a/0", "a/1", "b/7"]


@pytest.mark.parametrize("symbol_set", ["x", "chunk-1", 7, True, [UNKNOWN], {"id": UNKNOWN}, UNKNOWN + "\0", "\ud800"])
def test_a_symbol_set_that_is_no_uuid_is_a_400(frames: Api, symbol_set: Any) -> None:
    """Decision table: malformed uuid in a body."""
    assert refused(frames, {"symbol_set": symbol_set}) == invalid("Must be a valid UUID.", "symbol_set")


def test_a_foreign_symbol_set_finds_nothing(stranger: World, frames: Api, three: list[StackFrame]) -> None:
    foreign = make_symbol_set(stranger.project)
    make_frame(stranger.project, "a", symbol_set=foreign)
    assert got(frames, {"symbol_set": str(foreign.id)}) == []


def test_foreign_frames_with_the_same_raw_id_are_not_found(stranger: World, frames: Api) -> None:
    make_frame(stranger.project, "a")
    assert got(frames, {"raw_ids": ["a/0"]}) == []
    assert got(frames, {}) == []


# ---- what is refused


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a/0", "str"),
        ("", "str"),
        (1, "int"),
        (0, "int"),
        (True, "bool"),
        (1.5, "float"),
        ({"a": 1}, "dict"),
        ({}, "dict"),
    ],
)
def test_raw_ids_that_are_no_list_are_a_400(frames: Api, value: Any, kind: str) -> None:
    """A plain string would be read character by character upstream."""
    expected = invalid(f'Expected a list of items but got type "{kind}".', "raw_ids", "not_a_list")
    assert refused(frames, {"raw_ids": value}) == expected


@pytest.mark.parametrize("item", [1, 1.5, True, None, ["a/0"], {"raw_id": "a"}])
def test_an_item_that_is_no_text_is_a_400_that_names_it(frames: Api, item: Any) -> None:
    """8, raw_ids: non-string items; 1.4: the index is part of `attr`."""
    assert refused(frames, {"raw_ids": ["a/0", item, item]}) == invalid("Not a valid string.", "raw_ids__1")


def test_nul_in_an_item_is_a_400_that_names_it(frames: Api) -> None:
    """Decision table: NUL characters."""
    expected = invalid("Null characters are not allowed.", "raw_ids__2", "null_characters_not_allowed")
    assert refused(frames, {"raw_ids": ["a", "b", "c\0/1"]}) == expected


def test_a_lone_surrogate_in_an_item_is_a_400_that_names_it(frames: Api) -> None:
    """Decision table: lone surrogates."""
    text = "Surrogate characters are not allowed: U+D800."
    expected = invalid(text, "raw_ids__0", "surrogate_characters_not_allowed")
    assert answer(frames.post("batch_get/", b'{"raw_ids": ["\\ud800"]}')) == expected


def test_a_pair_of_surrogates_is_a_character(world: World, frames: Api) -> None:
    make_frame(world.project, "💥")
    assert answer(frames.post("batch_get/", b'{"raw_ids": ["\\ud83d\\udca5"]}'))[1]["results"][0]["raw_id"] == "💥/0"


def test_a_body_that_is_a_list_is_a_400(frames: Api) -> None:
    expected = invalid("Invalid data. Expected a dictionary, but got list.", None)
    assert refused(frames, ["a/0"]) == expected


def test_a_form_repeats_the_field(frames: Api, three: list[StackFrame]) -> None:
    response = frames.post("batch_get/", b"raw_ids=a/1&raw_ids=b/7", content_type=FORM)
    assert sorted(item["raw_id"] for item in answer(response)[1]["results"]) == ["a/1", "b/7"]


def test_a_form_without_the_field_is_every_frame(frames: Api, three: list[StackFrame]) -> None:
    assert len(answer(frames.post("batch_get/", b"other=1", content_type=FORM))[1]["results"]) == 3


def test_read_is_enough_though_it_is_a_post(world: World) -> None:
    """8: error_tracking:read although POST."""
    assert world.api("error_tracking:read").post("error_tracking/stack_frames/batch_get/", {}).status_code == 200
    assert world.api("health_issue:write").post("error_tracking/stack_frames/batch_get/", {}).status_code == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_a_405(frames: Api, method: str) -> None:
    response = frames.request(method, "batch_get/")
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw_ids=JSON, symbol_set=JSON)
def test_any_json_in_the_fields_is_answered_or_refused(frames: Api, raw_ids: Any, symbol_set: Any) -> None:
    response = frames.post("batch_get/", {"raw_ids": raw_ids, "symbol_set": symbol_set})
    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert set(answer(response)[1]) == {"type", "code", "detail", "attr"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | JSON.map(repr).map(str.encode))
def test_any_bytes_as_body_are_answered_or_refused(frames: Api, body: bytes) -> None:
    assert frames.post("batch_get/", body).status_code in {200, 400}
