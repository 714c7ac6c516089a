"""Counts of rows while several transactions add to them at the same time (`environments.tenancy.counters`)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from environments.models import Project, RowCount
from errortracking.models import Issue
from tests.environments.racing import Rival, rival
from tests.environments.test_counters import MOMENT, assert_exact, issues, kept, make_project, real, slots

__all__ = ["rival"]  # a fixture


@pytest.fixture
def settled(transactional_db: None) -> Project:
    return make_project()


def test_nobody_waits_for_a_transaction_that_has_counted(settled: Project, rival: Rival) -> None:
    """One count for all would make every batch of a project wait for the one before to be committed."""
    issues(settled, 1)
    insert = "INSERT INTO errortracking_issue (environment_id, id, created_at, state_updated_at, status)"
    rival.execute(f"{insert} VALUES (%s, gen_random_uuid(), %s, %s, 'active')", [settled.pk, MOMENT, MOMENT])
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
        try:
            issues(settled, 2)
        finally:
            cursor.execute("RESET lock_timeout")
    assert kept(settled, Issue) == 3
    rival.commit()
    assert kept(settled, Issue) == 4
    assert slots(settled) == 2
    issues(settled, 1)
    assert slots(settled) == 2
    assert_exact(settled)


def test_many_at_the_same_time_count_exactly(settled: Project) -> None:
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(30):
                with transaction.atomic():
                    mine = issues(settled, chance.randint(1, 4))
                    if chance.random() < 0.5:
                        Issue.objects.filter(environment_id=settled.pk, pk__in=[one.pk for one in mine[:2]]).delete()
                    transaction.set_rollback(chance.random() < 0.2)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert kept(settled, Issue) == real(settled, Issue) > 0
    assert slots(settled) < 20  # a few more than transactions: one that has just been made is not seen yet


def test_a_project_can_be_deleted_while_its_rows_come(settled: Project) -> None:
    """Whoever comes too late is refused by the reference to the project, and leaves no count."""
    refused: list[str] = []

    def insert() -> None:
        try:
            while not refused:
                try:
                    issues(settled, 1)
                except Exception as error:
                    refused.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=insert) for _ in range(3)]
    for thread in threads:
        thread.start()
    deleted = _patiently(lambda: Project.objects.get(pk=settled.pk).delete())
    for thread in threads:
        thread.join(60)
    assert deleted
    assert not RowCount.objects.filter(environment_id=settled.pk).exists()
    assert not Issue.objects.filter(environment_id=settled.pk).exists()


def _patiently(delete: Callable[[], Any]) -> bool:
    for _ in range(20):
        try:
            delete()
        except OperationalError:
            continue
        return True
    return False
