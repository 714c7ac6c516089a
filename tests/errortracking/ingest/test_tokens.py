"""Which project has a token, and for how long that is remembered."""

from __future__ import annotations

import time

import pytest
from pytest_django import DjangoAssertNumQueries

from environments.models import Project
from errortracking.ingest import tokens
from errortracking.ingest.refusal import Refused
from tests.errortracking.ingest.conftest import TOKEN


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stop the clock that the memory looks at; the test moves it by changing the one element."""
    seconds = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    return seconds


def test_a_project_is_found_by_its_token_with_one_query_in_five_seconds(
    project: Project, clock: list[float], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert tokens.environment_of(TOKEN) == project.id
        clock[0] += 4.9
        assert tokens.environment_of(TOKEN) == project.id
    clock[0] += 0.2
    with django_assert_num_queries(1):
        assert tokens.environment_of(TOKEN) == project.id


def test_a_token_without_a_project_is_401_with_one_query_in_five_seconds(
    db: None, clock: list[float], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        for _ in range(3):
            with pytest.raises(Refused) as refused:
                tokens.environment_of("phc_nobody")
            assert (refused.value.status, refused.value.text) == (
                401,
                "API key is not valid: no project has this token",
            )


def test_a_token_that_was_exchanged_elsewhere_is_accepted_for_five_seconds_more(
    project: Project, clock: list[float]
) -> None:
    assert tokens.environment_of(TOKEN) == project.id
    Project.objects.filter(id=project.id).update(api_token="phc_other")  # as another process would: no signal here
    assert tokens.environment_of(TOKEN) == project.id
    clock[0] += 5.1
    with pytest.raises(Refused):
        tokens.environment_of(TOKEN)


def test_a_project_made_in_this_process_is_known_at_once(project: Project) -> None:
    with pytest.raises(Refused):
        tokens.environment_of("phc_new")
    new = Project.objects.create(organization=project.organization, name="new", api_token="phc_new")
    assert tokens.environment_of("phc_new") == new.id
    new.delete()
    with pytest.raises(Refused):
        tokens.environment_of("phc_new")


def test_the_oldest_answers_are_forgotten_when_there_are_too_many(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(tokens, "SIZE", 3)
    tokens.environment_of(TOKEN)
    for name in ("a", "b", "c"):
        with pytest.raises(Refused):
            tokens.environment_of(name)
    assert len(tokens._known) == 3
    with django_assert_num_queries(0), pytest.raises(Refused):
        tokens.environment_of("c")
    with django_assert_num_queries(1):
        tokens.environment_of(TOKEN)
