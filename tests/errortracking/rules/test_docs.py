"""What `docs/rules.md` shows can be written as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from errortracking.rules import limits
from errortracking.rules.filters import OPERATORS, validate

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "rules.md").read_text()
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
CONDITIONS = [json.loads(found) for found in re.findall(r"`(\{\"key\": [^`]*\})`", TEXT)]


def test_the_filters_shown_are_filters() -> None:
    (filters,) = [block for block in BLOCKS if "values" in block]
    validate(filters)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition["operator"])
def test_each_condition_shown_is_one(condition: object) -> None:
    validate({"type": "AND", "values": [condition]})


def test_every_operator_is_explained() -> None:
    assert len(CONDITIONS) == 7
    assert [operator for operator in OPERATORS if f"`{operator}`" not in TEXT] == []


def test_the_bounds_are_those_in_force() -> None:
    for number in (
        limits.MAX_LEAVES,
        limits.MAX_DEPTH,
        limits.MAX_VALUES,
        limits.MAX_VALUE,
        limits.MAX_SIZE,
        limits.MAX_PATTERNS,
        limits.MAX_PATTERN,
        limits.STEPS_PER_RULE,
        limits.STEPS_PER_EVENT,
        limits.CHARACTERS_PER_STEP,
        limits.PATTERN_MEMORY // 1024,
    ):
        assert re.search(rf"(?<![\d,]){number:,}(?!\d|,\d)", TEXT), number
