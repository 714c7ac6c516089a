"""Holding a project: one worker at a time, and for as long as its session lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from environments.models import Project
from errortracking.pipeline import lease
from tests.errortracking.pipeline.making import make_project


@contextmanager
def another_session() -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection beside Django's, as another worker has one."""
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)
    with psycopg.connect(**settings, autocommit=True) as other:
        yield other


def holders(project_id: int) -> int:
    """Return how many sessions hold the project."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s",
            [0x48545057, project_id],
        )
        (found,) = cursor.fetchone()
        return int(found)


def test_a_project_is_held_by_one_session_at_a_time(project: Project) -> None:
    with another_session() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x48545057, project.id])
        with lease.hold(project.id) as held:
            assert held is False
        other.execute("SELECT pg_advisory_unlock(%s, %s)", [0x48545057, project.id])
        with lease.hold(project.id) as held:
            assert held is True
            assert holders(project.id) == 1
    assert holders(project.id) == 0


def test_a_project_is_let_go_after_an_error(project: Project) -> None:
    with pytest.raises(ZeroDivisionError), lease.hold(project.id):
        raise ZeroDivisionError
    assert holders(project.id) == 0


def test_different_projects_are_held_at_the_same_time(db: None) -> None:
    one, two = make_project("one"), make_project("two")
    with another_session() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x48545057, one.id])
        with lease.hold(two.id) as held:
            assert held is True


@pytest.mark.django_db(transaction=True)
def test_a_dead_session_holds_nothing(transactional_db: None) -> None:
    project = make_project()
    seen: list[bool] = []

    def die_while_holding() -> None:
        with another_session() as other, lease.hold(project.id) as held:
            seen.append(held)
            (pid,) = connection.connection.execute("SELECT pg_backend_pid()").fetchone()
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        connection.close()

    thread = threading.Thread(target=die_while_holding)
    thread.start()
    thread.join()

    with lease.hold(project.id) as held:
        seen.append(held)
    assert seen == [True, True]
