"""Positions in minified scripts: where they come from, in which function, with the lines around them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base, javascript
from errortracking.symbols.lookups import Answer, Kind, Original
from tests.errortracking.symbols.maps import SCRIPT, SOURCE, TOKENS, at, mappings, script, source_map


def found(contents: Contents, column: int, line: int = 1) -> Original:
    answer = javascript.parse(contents).find(at(column, line), "ref")
    assert isinstance(answer, tuple), answer
    (original,) = answer
    return original


def place(original: Original) -> tuple[str | None, int | None, int | None, str | None]:
    return original.source, original.line, original.column, original.name


def test_a_position_is_named_by_the_function_around_it() -> None:
    assert place(found(script(), 14)) == ("src/app.ts", 3, 3, "outer")  # b(), called in a
    assert place(found(script(), 31)) == ("src/app.ts", 6, 3, "inner")  # throw
    assert place(found(script(), 37)) == ("src/app.ts", 6, 9, "inner")  # new Error


def test_a_position_within_a_token_is_that_token() -> None:
    assert [place(found(script(), column)) for column in (32, 36)] == [("src/app.ts", 6, 3, "inner")] * 2


def test_outside_of_functions_there_is_no_name() -> None:
    assert place(found(script(), 52)) == ("src/app.ts", 8, 1, None)


def test_a_function_without_a_name_is_anonymous() -> None:
    minified = "(function(){throw new Error('x')})();"
    told = source_map(mappings=mappings([(0, 0, 0, 7, 0), (0, 12, 0, 5, 2)]))
    assert found(script(told, minified), 13).name == "<anonymous>"


def test_a_token_of_one_character_is_not_taken_for_the_next() -> None:
    told = source_map(mappings=mappings([(0, 0, 0, 1, 0), (0, 1, 0, 5, 0)]))
    assert found(script(told, "a()"), 1).line == 2
    assert found(script(told, "a()"), 2).line == 6


def test_an_async_function_of_dart_has_the_name_at_the_position() -> None:
    minified = SCRIPT.replace("function b", "function $async$b")
    shifted = [(line, column + (7 if column > 26 else 0), *rest) for line, column, *rest in TOKENS]
    told = source_map(
        names=["$async$outer", "$async$inner", "loadCart"],
        mappings=mappings([token if token[2:5] != (0, 5, 2) else (*token, 2) for token in shifted]),
    )
    assert found(script(told, minified), 38).name == "loadCart"


def test_the_lines_around_are_numbered_and_ascending() -> None:
    assert found(script(), 31).context == {
        "before": [
            {"number": 1, "line": "// a small program"},
            {"number": 2, "line": "function outer() {"},
            {"number": 3, "line": "  inner();"},
            {"number": 4, "line": "}"},
            {"number": 5, "line": "function inner() {"},
        ],
        "line": {"number": 6, "line": "  throw new Error('x');"},
        "after": [{"number": 7, "line": "}"}, {"number": 8, "line": "outer();"}],
    }


def test_there_are_fifteen_lines_on_each_side() -> None:
    source = "".join(f"line {number}\n" for number in range(1, 101))
    told = source_map(sourcesContent=[source], mappings=mappings([(0, 0, 0, 49, 0)]))
    context = found(script(told), 1).context
    assert context
    assert context["line"] == {"number": 50, "line": "line 50"}
    assert [line["number"] for line in context["before"]] == list(range(35, 50))
    assert [line["number"] for line in context["after"]] == list(range(51, 66))
    assert context["before"][0]["line"] == "line 35"
    assert context["after"][-1]["line"] == "line 65"


def test_line_ends_of_windows_are_none_of_the_line() -> None:
    context = found(script(source_map(sourcesContent=[SOURCE.replace("\n", "\r\n")])), 31).context
    assert context
    assert context["line"]["line"] == "  throw new Error('x');"
    assert context["after"] == [{"number": 7, "line": "}"}, {"number": 8, "line": "outer();"}]


@pytest.mark.parametrize("content", [None, [], [None]])
def test_a_map_without_sources_gives_places_without_lines(content: Any) -> None:
    original = found(script(source_map(sourcesContent=content)), 31)
    assert place(original) == ("src/app.ts", 6, 3, "inner")
    assert original.context is None


def test_a_map_without_its_script_gives_places_without_names() -> None:
    assert place(found(script(source="\0\0 no script ((("), 31)) == ("src/app.ts", 6, 3, None)
    assert place(found(script(source=""), 31)) == ("src/app.ts", 6, 3, None)


def test_a_source_root_stands_before_the_source() -> None:
    assert found(script(source_map(sourceRoot="webpack://shop/")), 31).source == "webpack://shop/src/app.ts"


def test_a_sectioned_map_is_read_as_one() -> None:
    second = json.loads(json.dumps(source_map(sources=["src/second.ts"])))
    told = {
        "version": 3,
        "sections": [
            {"offset": {"line": 0, "column": 0}, "map": source_map()},
            {"offset": {"line": 1, "column": 4}, "map": second},
        ],
    }
    contents = script(told, f"{SCRIPT}\n    {SCRIPT}")
    assert place(found(contents, 31)) == ("src/app.ts", 6, 3, "inner")
    assert place(found(contents, 35, line=2)) == ("src/second.ts", 6, 3, "inner")


def test_the_guard_that_some_servers_put_before_json_is_skipped() -> None:
    contents = Contents(Kind.JAVASCRIPT, b")]}'\n" + json.dumps(source_map()).encode(), SCRIPT.encode())
    assert found(contents, 31).line == 6


def test_a_column_of_0_is_the_first() -> None:
    assert place(found(script(), 0)) == place(found(script(), 1)) == ("src/app.ts", 2, 1, "outer")


@pytest.mark.parametrize(("line", "column"), [(2, 1), (0, 1), (-1, 1), (1, -1), (2**32, 1), (1, 2**32), (10**30, 1)])
def test_positions_that_the_script_does_not_have_are_not_found(line: int, column: int) -> None:
    answer = javascript.parse(script()).find(at(column, line, "f"), "ref")
    assert answer == Failure("JavaScript", "TokenNotFound", ("f", line, column))
    assert isinstance(answer, Failure)
    assert answer.text == f"Token not found for frame: f:{line}:{column}"


def test_code_of_the_bundler_that_the_map_leaves_out_is_not_found() -> None:
    parsed = javascript.parse(script(source_map(mappings="A,SAKA")))  # column 9 is line 6, what is before is nobody's
    assert parsed.find(at(9), "ref") == Failure("JavaScript", "TokenNotFound", ("b", 1, 9))
    assert isinstance(parsed.find(at(10), "ref"), tuple)


def test_an_empty_map_finds_nothing() -> None:
    empty = {"version": 3, "sources": [], "names": [], "mappings": ""}
    assert javascript.parse(script(empty)).find(at(1), "ref") == Failure("JavaScript", "TokenNotFound", ("b", 1, 1))


@pytest.mark.parametrize(
    "data",
    [b"", b"no map", b"[]", b"null", b'{"version":3,"mappings":5}', b"\xff\xfe", b'{"sections":[5]}', b"<html>", b"{"]
    + [json.dumps(source_map(mappings=broken)).encode() for broken in ("?", "AAAA,ggggggggggggggg", "AACAAA")]
    + [json.dumps(source_map()).encode()[:-20]],
)
def test_data_that_is_no_map_is_invalid(data: bytes) -> None:
    with pytest.raises(base.Invalid) as refused:
        javascript.parse(Contents(Kind.JAVASCRIPT, data, SCRIPT.encode()))
    assert refused.value.failure.text == "Invalid Source and Map"
    assert refused.value.failure.reason == '{"JavaScript":"InvalidSourceAndMap"}'


def test_long_lines_and_names_are_cut_and_zeros_are_replaced() -> None:
    told = source_map(sources=["s" * 3000], sourcesContent=["x" * 10_000 + "\n" + "a\0b\n"])
    minified = SCRIPT.replace("function b()", f"function {'b' * 9}()")
    original = found(script({**told, "mappings": mappings([(0, 0, 0, 0, 0)])}, minified), 1)
    assert original.source == "s" * 2000
    assert original.context
    assert original.context["line"]["line"] == "x" * 400
    assert original.context["after"] == [{"number": 2, "line": "a�b"}]


_PARTS = st.sampled_from(["A", "C", "D", "g", "B", ",", ";", "AAAA", "AACA", "AAAAA", "gggggg", "//////", "9"])


@given(st.lists(_PARTS, max_size=60).map("".join), st.integers(0, 2**33), st.integers(0, 2**33))
def test_no_mappings_do_anything_but_answer_or_fail(mapped: str, line: int, column: int) -> None:
    try:
        parsed = javascript.parse(script(source_map(mappings=mapped)))
    except base.Invalid:
        return
    answer: Answer = parsed.find(at(column, line), "ref")
    assert isinstance(answer, Failure | tuple)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("AAAA"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["version", "sources", "mappings", "sections", "offset", "map", "names"]), inner
        )
    ),
)


@given(_JSON)
def test_no_json_does_anything_but_answer_or_fail(told: Any) -> None:
    try:
        parsed = javascript.parse(Contents(Kind.JAVASCRIPT, json.dumps(told).encode(), SCRIPT.encode()))
    except base.Invalid:
        return
    assert isinstance(parsed.find(at(1), "ref"), Failure | tuple)
