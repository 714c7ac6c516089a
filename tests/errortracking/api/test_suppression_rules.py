"""What suppression rules have alone: the share of exceptions that they drop."""

from __future__ import annotations

from typing import Any

import pytest

from environments.models import AuditEntry
from tests.environments.world import World, answer, error
from tests.errortracking.api.ruling import EMPTY, KINDS, TIMEOUTS

SUPPRESSION = KINDS[2]
RATES = [(0, 0.0), (1, 1.0), (0.5, 0.5), ("0.25", 0.25), (1e-9, 1e-9), (1e-400, 0.0)]
WRONG = [
    (-0.1, "Ensure this value is greater than or equal to 0.0.", "min_value"),
    (1.0000001, "Ensure this value is less than or equal to 1.0.", "max_value"),
    (2, "Ensure this value is less than or equal to 1.0.", "max_value"),
    (10**400, "Integer value too large to convert to float", "overflow"),
    (-(10**400), "Integer value too large to convert to float", "overflow"),
    ("inf", "A valid number is required.", "invalid_input"),
    ("9" * 1001, "String value too large.", "max_string_length"),
    ("NaN", "A valid number is required.", "invalid_input"),
    ("nan", "A valid number is required.", "invalid_input"),
    ("x", "A valid number is required.", "invalid_input"),
    ("\0", "A valid number is required.", "invalid_input"),
    ("\ud800", "A valid number is required.", "invalid_input"),
    (True, "A valid number is required.", "invalid_input"),
    ([], "A valid number is required.", "invalid_input"),
    ({}, "A valid number is required.", "invalid_input"),
    (None, "This field may not be null.", "null"),
]


@pytest.mark.parametrize(("rate", "expected"), RATES)
def test_a_share_is_a_number_from_0_to_1(world: World, rate: Any, expected: float) -> None:
    api, rule = SUPPRESSION.api(world), SUPPRESSION.make(world, sampling_rate=0.75)
    made = answer(api.post("", {"filters": TIMEOUTS, "sampling_rate": rate}))
    assert (made[0], made[1]["sampling_rate"]) == (201, expected)
    for method in ("PATCH", "PUT"):
        assert answer(api.request(method, f"{rule.pk}/", {"sampling_rate": rate})) == EMPTY
        assert answer(api.get(f"{rule.pk}/"))[1]["sampling_rate"] == expected


def test_by_default_all_are_dropped(world: World) -> None:
    assert answer(SUPPRESSION.api(world).post("", {"filters": TIMEOUTS}))[1]["sampling_rate"] == 1.0


@pytest.mark.parametrize(("rate", "detail", "code"), WRONG)
def test_anything_else_is_a_400(world: World, rate: Any, detail: str, code: str) -> None:
    api, rule = SUPPRESSION.api(world), SUPPRESSION.make(world, sampling_rate=0.75)
    expected = error(400, "validation_error", code, detail, "sampling_rate")
    assert answer(api.post("", {"filters": TIMEOUTS, "sampling_rate": rate})) == expected
    for method in ("PATCH", "PUT"):
        assert answer(api.request(method, f"{rule.pk}/", {"sampling_rate": rate, "order_key": 9})) == expected
    assert SUPPRESSION.orders(world.project) == {str(rule.pk): 0}
    assert answer(api.get(f"{rule.pk}/"))[1]["sampling_rate"] == 0.75


@pytest.mark.parametrize("rate", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_json_is_a_400(world: World, rate: bytes) -> None:
    status, found = answer(SUPPRESSION.api(world).request("POST", "", b'{"sampling_rate": ' + rate + b"}"))
    assert (status, found["code"]) == (400, "parse_error")


def test_a_change_of_something_else_keeps_the_share(world: World) -> None:
    rule = SUPPRESSION.make(world, sampling_rate=0.25)
    assert answer(SUPPRESSION.api(world).put(f"{rule.pk}/", {"order_key": 2})) == EMPTY
    assert answer(SUPPRESSION.api(world).get(f"{rule.pk}/"))[1]["sampling_rate"] == 0.25


def test_a_change_of_the_share_is_recorded(world: World) -> None:
    rule = SUPPRESSION.make(world)
    SUPPRESSION.api(world).patch(f"{rule.pk}/", {"sampling_rate": 0.5})
    [entry] = AuditEntry.objects.filter(environment=world.project)
    assert (entry.before, entry.after) == ({"sampling_rate": 1.0}, {"sampling_rate": 0.5})
