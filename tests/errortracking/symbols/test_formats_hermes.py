"""Offsets in Hermes bytecode, in a map that Metro's and Hermes's own tools made (tests/data/symbols/hermes)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base, hermes
from errortracking.symbols.lookups import Kind, Original, Position
from tests.errortracking.symbols.maps import source_map

FOLDER = Path(__file__).parents[2] / "data" / "symbols" / "hermes"
MAP = (FOLDER / "bundle.hbc.map").read_bytes()


def contents(told: Any) -> Contents:
    return Contents(Kind.HERMES, told if isinstance(told, bytes) else json.dumps(told).encode())


def found(told: Any, column: int) -> Original:
    answer = hermes.parse(contents(told)).find(Position(Kind.HERMES, column=column), "ref")
    assert isinstance(answer, tuple), answer
    (original,) = answer
    return original


@pytest.mark.parametrize(
    ("column", "place"),
    [
        (171, ("cart.js", 12, 5, "parsePrice")),  # throw
        (126, ("cart.js", 7, 37, "prices.map$argument_0")),  # parsePrice(…), in the arrow function
        (78, ("cart.js", 7, 22, "Cart.prototype.total")),  # .map(…)
        (45, ("index.js", 4, 27, "checkout")),  # .total()
        (54, ("index.js", 7, 20, "<global>")),  # checkout(…)
    ],
)
def test_an_offset_is_named_by_the_function_around_it(column: int, place: tuple[str, int, int, str]) -> None:
    original = found(MAP, column)
    assert (original.source, original.line, original.column, original.name) == place


def test_offsets_count_from_0() -> None:
    assert found(MAP, 170).column == 15
    assert found(MAP, 171).column == 5


def test_the_lines_around_come_of_the_map() -> None:
    context = found(MAP, 45).context
    assert context == {
        "before": [
            {"number": 1, "line": "import { Cart } from './cart.js';"},
            {"number": 2, "line": ""},
            {"number": 3, "line": "function checkout(prices) {"},
        ],
        "line": {"number": 4, "line": "  return new Cart(prices).total();"},
        "after": [
            {"number": 5, "line": "}"},
            {"number": 6, "line": ""},
            {"number": 7, "line": "checkout([1, 'two']);"},
        ],
    }


def test_the_map_is_of_the_sources_beside_it() -> None:
    assert json.loads(MAP)["sourcesContent"] == [
        (FOLDER / "cart.js").read_text(encoding="utf-8"),
        (FOLDER / "index.js").read_text(encoding="utf-8"),
    ]


def test_an_offset_before_the_first_is_not_found() -> None:
    answer = hermes.parse(contents(MAP)).find(Position(Kind.HERMES, column=1), "a chunk")
    assert answer == Failure("Hermes", "NoTokenForColumn", (1, "a chunk"))
    assert isinstance(answer, Failure)
    assert answer.text == "No token for column 1 on chunk a chunk"


@pytest.mark.parametrize("column", [-1, 2**32, 10**30])
def test_an_offset_that_cannot_be_is_not_found(column: int) -> None:
    answer = hermes.parse(contents(MAP)).find(Position(Kind.HERMES, column=column), "ref")
    assert answer == Failure("Hermes", "NoTokenForColumn", (column, "ref"))


@pytest.mark.parametrize("marker", [{"x_hermes_function_offsets": {"0": [0, 56]}}, {}])
def test_a_map_without_the_names_of_functions_gives_places_without(marker: dict[str, Any]) -> None:
    original = found(source_map(**marker), 30)
    assert (original.source, original.line, original.column, original.name) == ("src/app.ts", 6, 3, None)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", MAP[:-30]])
def test_data_that_is_no_map_is_invalid(data: bytes) -> None:
    with pytest.raises(base.Invalid) as refused:
        hermes.parse(contents(data))
    assert refused.value.failure.group == "Hermes"
    assert refused.value.failure.text.startswith("Invalid source map: bad json: ")
