"""What a rule may cost on one event: steps, and what happens when they run out."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.rules import limits
from errortracking.rules.filters import OutOfSteps, Predicate, compile_filters
from errortracking.rules.subject import Subject


def rule(operator: str, value: Any, key: str = "text") -> Predicate:
    return compile_filters({"type": "AND", "values": [{"key": key, "operator": operator, "value": value}]})


def test_a_list_costs_a_step_for_each_element() -> None:
    predicate = rule("exact", "x")
    assert predicate(Subject({"text": ["y"] * (limits.STEPS_PER_RULE - 1)})) is False  # and one for the condition
    with pytest.raises(OutOfSteps):
        predicate(Subject({"text": ["y"] * limits.STEPS_PER_RULE}))


def test_looking_for_a_part_costs_by_length_and_number_of_parts() -> None:
    # The text is folded once and looked through twice: a step for 256 characters of each.
    characters = (limits.STEPS_PER_RULE - 1) * limits.CHARACTERS_PER_STEP // 3
    predicate = rule("icontains", ["x", "y"])
    assert predicate(Subject({"text": "-" * characters})) is False
    with pytest.raises(OutOfSteps):
        predicate(Subject({"text": "-" * (characters + 3 * limits.CHARACTERS_PER_STEP)}))


def test_a_regular_expression_costs_by_the_size_of_its_program() -> None:
    short, long = rule("regex", "ab"), rule("regex", "[ab]*a[ab]{800}c")
    subject = {"text": "-" * 100_000}
    assert short(Subject(subject)) is False
    with pytest.raises(OutOfSteps):
        long(Subject(subject))


def test_the_rules_of_an_event_share_its_steps() -> None:
    predicate = rule("exact", "x")
    subject = Subject({"text": ["y"] * (limits.STEPS_PER_RULE - 1)})
    for _ in range(5):  # STEPS_PER_EVENT is five times STEPS_PER_RULE
        predicate(subject)
    with pytest.raises(OutOfSteps):
        rule("is_set", None)(subject)
    assert predicate(Subject({"text": ["y"]})) is False  # the next event has its own


def test_the_text_of_an_object_is_made_at_most_once_when_it_is_too_long_to_look_through() -> None:
    subject = Subject({"text": {"a": "-" * limits.STEPS_PER_EVENT * limits.CHARACTERS_PER_STEP}})
    predicate = rule("icontains", "x")
    with pytest.raises(OutOfSteps):
        predicate(subject)
    assert subject.left < 0


def test_what_nobody_asks_costs_nothing() -> None:
    def derive() -> dict[str, Any]:
        raise AssertionError("nobody asked")

    Subject({"text": "x"}, derive)
    assert compile_filters({})(Subject({"text": "x"}, derive)) is False


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(x+x+)+y", "x" * 5_000),  # exponential for a backtracking engine
        ("(.*)*$", "x" * 5_000),
        ("(a|aa)+$", "a" * 5_000 + "b"),
        ("(.*,){11}P", "1," * 2_500),
    ],
)
def test_expressions_that_take_other_engines_for_ever_end(pattern: str, text: str) -> None:
    assert rule("regex", pattern)(Subject({"text": text})) in (True, False)
