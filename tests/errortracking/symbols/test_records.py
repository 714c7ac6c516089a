"""Rows of symbol sets that the server writes by itself: with data, or with the reason why there is none."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import IntegrityError, connection

from environments import clock
from environments.models import Project
from errortracking.models import StackFrame, SymbolGarbage, SymbolSet
from errortracking.symbols import records
from errortracking.symbols.failures import Failure
from errortracking.symbols.storage import Missing, Storage, TooLarge, new_key
from tests.environments.world import stranger
from tests.errortracking.api.making import make_frame, make_release
from tests.errortracking.symbols.storing import a_project, object_server, object_store, stored

__all__ = ["a_project", "object_server", "object_store", "stored", "stranger"]

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "https://shop.example.com/app.js"
FAILURE = Failure("JavaScript", "NoSourcemap", (URL,))


def the_set(project: Project, ref: str = URL) -> SymbolSet:
    return SymbolSet.objects.get(environment_id=project.pk, ref=ref)


def frame_ids(project: Project) -> set[UUID]:
    return set(StackFrame.objects.filter(environment_id=project.pk).values_list("pk", flat=True))


def jobs(project: Project) -> list[Any]:
    """Return what the queued jobs that resolve frames again are asked to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->'refs')::text FROM procrastinate_jobs"
            " WHERE task_name = 'errortracking.symbols.resolve_again'"
            " AND (args->>'environment_id')::int = %s ORDER BY id",
            [project.pk],
        )
        return [orjson.loads(refs) for (refs,) in cursor.fetchall()]


def test_data_makes_a_set(stored: Storage, a_project: Project) -> None:
    with clock.stopped_at(NOON):
        id_ = records.store(a_project.pk, URL, [b"source", b" and map"])
    row = the_set(a_project)
    assert row.pk == id_
    assert row.content_hash == hashlib.sha512(b"source and map").hexdigest()
    assert (row.created_at, row.last_used, row.failure_reason, row.release_id) == (NOON, None, None, None)
    assert row.storage_ptr
    assert row.storage_ptr.startswith("symbolsets/")
    assert b"".join(stored.read(a_project.pk, row.storage_ptr)) == b"source and map"
    assert not SymbolGarbage.objects.filter(project_id=a_project.pk).exists()


def test_new_data_replaces_the_old_which_becomes_garbage(a_project: Project) -> None:
    first = records.store(a_project.pk, URL, [b"old"])
    old = the_set(a_project)
    assert records.store(a_project.pk, URL, [b"new"], used_at=NOON) == first
    row = the_set(a_project)
    assert row.storage_ptr != old.storage_ptr
    assert row.content_hash == hashlib.sha512(b"new").hexdigest()
    assert (row.created_at, row.last_used) == (old.created_at, NOON)
    assert list(SymbolGarbage.objects.filter(project_id=a_project.pk).values_list("key", flat=True)) == [
        old.storage_ptr
    ]


def test_data_ends_a_failure(a_project: Project) -> None:
    records.record_failure(a_project.pk, URL, FAILURE)
    records.store(a_project.pk, URL, [b"data"])
    assert the_set(a_project).failure_reason is None


def test_a_set_without_a_release_gets_one_and_keeps_it(a_project: Project) -> None:
    first, second = make_release(a_project), make_release(a_project)
    records.store(a_project.pk, URL, [b"data"])
    records.store(a_project.pk, URL, [b"data"], release_id=first.pk)
    assert the_set(a_project).release_id == first.pk
    records.store(a_project.pk, URL, [b"data"], release_id=second.pk)
    assert the_set(a_project).release_id == first.pk


def test_frames_that_older_data_resolved_are_forgotten_and_those_that_wait_are_resolved_again(
    a_project: Project,
) -> None:
    records.store(a_project.pk, URL, [b"old"])
    row = the_set(a_project)
    make_frame(a_project, symbol_set=row)
    waiting = make_frame(a_project, symbol_set=row, missing_ref=URL, platform="web:javascript")
    unrelated = make_frame(a_project)
    records.store(a_project.pk, URL, [b"new"])
    assert frame_ids(a_project) == {waiting.pk, unrelated.pk}
    assert jobs(a_project) == [[URL], [URL]]


def test_data_that_is_too_large_changes_nothing_and_what_may_lie_there_is_known(
    stored: Storage, a_project: Project
) -> None:
    records.store(a_project.pk, URL, [b"old"])
    with pytest.raises(TooLarge):
        records.store(a_project.pk, URL, [b"x" * 1024 * 1024] * 101)
    assert the_set(a_project).content_hash == hashlib.sha512(b"old").hexdigest()
    (left,) = SymbolGarbage.objects.filter(project_id=a_project.pk)
    assert stored.size(a_project.pk, left.key) is None


def test_while_data_is_written_its_key_is_known_as_unused(a_project: Project) -> None:
    seen: list[int] = []

    def pieces() -> Any:
        seen.append(SymbolGarbage.objects.filter(project_id=a_project.pk).count())
        yield b"data"

    records.store(a_project.pk, URL, pieces())
    assert seen == [1]
    assert SymbolGarbage.objects.filter(project_id=a_project.pk).count() == 0


def test_data_that_was_swept_meanwhile_makes_no_set(a_project: Project) -> None:
    def pieces() -> Any:
        yield b"data"
        SymbolGarbage.objects.filter(project_id=a_project.pk).delete()

    with pytest.raises(Missing):
        records.store(a_project.pk, URL, pieces())
    assert not SymbolSet.objects.filter(environment_id=a_project.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_project_that_is_gone_gets_no_set(a_project: Project) -> None:
    with pytest.raises(IntegrityError):
        records.store(a_project.pk + 1, URL, [b"data"])
    assert SymbolGarbage.objects.filter(project_id=a_project.pk + 1).count() == 1
    SymbolGarbage.objects.all().delete()


def test_a_failure_is_a_set_without_data(a_project: Project) -> None:
    with clock.stopped_at(NOON):
        records.record_failure(a_project.pk, URL, FAILURE)
    row = the_set(a_project)
    assert row.failure_reason == '{"JavaScript":{"NoSourcemap":"https://shop.example.com/app.js"}}'
    assert (row.storage_ptr, row.content_hash) == (None, None)
    assert (row.created_at, row.last_used) == (NOON, NOON)


def test_a_failure_replaces_an_older_one(a_project: Project) -> None:
    with clock.stopped_at(NOON):
        records.record_failure(a_project.pk, URL, Failure("JavaScript", "Timeout", (URL,)))
        first = the_set(a_project)
    later = NOON.replace(day=24)
    with clock.stopped_at(later):
        records.record_failure(a_project.pk, URL, FAILURE)
    row = the_set(a_project)
    assert (row.pk, row.failure_reason) == (first.pk, FAILURE.reason)
    assert (row.created_at, row.last_used) == (NOON, later)


@pytest.mark.parametrize("content_hash", [None, "hash"])
def test_a_failure_says_nothing_about_data_that_is_there_or_on_its_way(
    a_project: Project, content_hash: str | None
) -> None:
    key = new_key()
    SymbolSet.objects.create(environment=a_project, ref=URL, storage_ptr=key, content_hash=content_hash)
    records.record_failure(a_project.pk, URL, FAILURE)
    row = the_set(a_project)
    assert (row.storage_ptr, row.failure_reason, row.last_used) == (key, None, None)


def test_two_projects_have_sets_of_the_same_name(a_project: Project, stranger: Any) -> None:
    records.store(a_project.pk, URL, [b"mine"])
    records.record_failure(stranger.project.pk, URL, FAILURE)
    assert the_set(a_project).failure_reason is None
    assert the_set(stranger.project).storage_ptr is None
