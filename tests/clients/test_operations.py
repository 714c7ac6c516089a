"""The tests of the generated clients would notice an operation that is not called."""

from __future__ import annotations

import re

import pytest

from tests.clients.operations import not_called, operations

ALL = [
    [method, re.sub(r"\{\w+\}", "7", path), int(min(operation["responses"]))]
    for (method, path), operation in operations().items()
]


def test_there_are_24_operations_and_the_put_of_releases() -> None:
    assert len(ALL) == 25
    assert not_called(ALL) == []


@pytest.mark.parametrize("left_out", range(25))
def test_one_that_is_left_out_is_named(left_out: int) -> None:
    [name] = not_called(ALL[:left_out] + ALL[left_out + 1 :])
    assert name == list(operations().values())[left_out]["operationId"]


def test_an_answer_that_upstream_does_not_describe_does_not_count() -> None:
    assert not_called([[method, path, 404] for method, path, _ in ALL]) == not_called([])


def test_the_summary_is_not_an_issue() -> None:
    path = "/api/environments/1/health_issues/summary/"
    assert set(not_called([])) - set(not_called([["GET", path, 200]])) == {"health_issues_summary_retrieve"}
