"""How many scripts of a project are fetched within an hour, again those that could not be fetched before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import SymbolSet
from errortracking.symbols import records, wishes
from errortracking.symbols.failures import Failure
from tests.errortracking.symbols.storing import a_project

__all__ = ["a_project"]

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAILURE = Failure("JavaScript", "NoSourcemap", ("",))


def urls(word: str, number: int) -> list[str]:
    return [f"https://shop.example/{word}-{place}.js" for place in range(number)]


def fail(project: Project, found: list[str], at: datetime) -> None:
    with clock.stopped_at(at):
        for url in found:
            records.record_failure(project.pk, url, FAILURE)


@pytest.fixture(autouse=True)
def five_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wishes, "MOST_AGAIN_IN_AN_HOUR", 5)
    monkeypatch.setattr(wishes, "MOST_NEW_IN_AN_HOUR", 5)


def test_of_failed_scripts_only_so_many_are_tried_again_within_an_hour(a_project: Project) -> None:
    """Anybody can send events that name them: each day would bring all the failures of the days before again."""
    lately, due = urls("lately", 3), urls("due", 8)
    fail(a_project, lately + due, NOON - timedelta(days=2))
    fail(a_project, lately, NOON - timedelta(minutes=59))
    with clock.stopped_at(NOON):
        assert wishes.fetch_again(a_project.pk, due[:1]) == set(due[:1])
        two = wishes.fetch_again(a_project.pk, due)
        assert (len(two), due[0] in two) == (2, True)
        assert wishes.fetch_again(a_project.pk, due) == two
    with clock.stopped_at(NOON + timedelta(minutes=2)):  # those of 59 minutes ago are older than an hour
        assert len(wishes.fetch_again(a_project.pk, due)) == 5


def test_new_scripts_and_old_failures_take_nothing_from_each_other(a_project: Project) -> None:
    old, new = urls("old", 5), urls("new", 5)
    fail(a_project, old, NOON - timedelta(days=2))
    fail(a_project, old, NOON - timedelta(minutes=30))
    with clock.stopped_at(NOON):
        assert wishes.fetch(a_project.pk, urls("newer", 4)) == set(urls("newer", 4))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    fail(a_project, new, NOON - timedelta(minutes=20))
    with clock.stopped_at(NOON + timedelta(minutes=31)):
        assert wishes.fetch(a_project.pk, urls("newer", 1)) == set()
        assert wishes.fetch_again(a_project.pk, old) == set(old)


def test_tries_are_counted_by_the_index_of_failures(a_project: Project) -> None:
    """A project may have sets by the hundred thousand."""
    SymbolSet.objects.bulk_create(
        SymbolSet(
            environment=a_project,
            id=uuid7(NOON - timedelta(days=3)),
            ref=f"https://shop.example/{number}.js",
            created_at=NOON - timedelta(days=3),
            failure_reason="{}",
            last_used=NOON - timedelta(days=2),
        )
        for number in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE errortracking_symbolset")
        hour = NOON - timedelta(hours=1)
        cursor.execute("EXPLAIN " + wishes._AGAIN_LATELY, [a_project.pk, hour, uuid7(hour), 500])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "symbol_set_failed" in plan, plan
