"""Every hour: symbol sets that nobody uses go, and then the data that no set points at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from procrastinate.contrib.django import app

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import StackFrame, SymbolChunk, SymbolGarbage, SymbolSet
from errortracking.symbols import cleanup, storage
from errortracking.symbols.storage import Storage, Unavailable
from errortracking.symbols.storage.database import DatabaseStorage
from tests.environments.world import World, stranger
from tests.errortracking.api.making import make_frame, make_release
from tests.errortracking.symbols.storing import Bucket, a_project, object_server, object_store, stored

__all__ = ["a_project", "object_server", "object_store", "stored", "stranger"]

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
SECOND = timedelta(seconds=1)


def make_set(
    project: Project, ref: str, *, created: datetime, used: datetime | None = None, **fields: Any
) -> SymbolSet:
    return SymbolSet.objects.create(environment=project, ref=ref, created_at=created, last_used=used, **fields)


def refs(project: Project) -> set[str]:
    return set(SymbolSet.objects.filter(environment_id=project.pk).values_list("ref", flat=True))


def clean(at: datetime = NOW) -> int:
    with clock.stopped_at(at):
        return cleanup.delete_unused()


def sweep(at: datetime) -> int:
    with clock.stopped_at(at):
        return cleanup.sweep()


def key_of(moment: datetime) -> str:
    return f"symbolsets/{uuid7(moment)}"


def garbage() -> set[str]:
    return set(SymbolGarbage.objects.values_list("key", flat=True))


# ---- sets


def test_a_set_goes_thirty_days_after_its_last_use(a_project: Project) -> None:
    long_ago = NOW - MONTH * 3
    make_set(a_project, "used lately", created=long_ago, used=NOW - MONTH)
    make_set(a_project, "used long ago", created=long_ago, used=NOW - MONTH - SECOND)
    assert clean() == 1
    assert refs(a_project) == {"used lately"}


def test_a_set_that_was_never_used_goes_thirty_days_after_it_was_made(a_project: Project) -> None:
    make_set(a_project, "new", created=NOW - MONTH)
    make_set(a_project, "old", created=NOW - MONTH - SECOND)
    assert clean() == 1
    assert refs(a_project) == {"new"}


def test_failures_and_uploads_that_were_never_finished_go_like_any_other(a_project: Project) -> None:
    make_set(a_project, "failed", created=NOW - MONTH * 2, failure_reason='{"JavaScript":{"NoSourcemap":"u"}}')
    make_set(a_project, "pending", created=NOW - MONTH * 2, storage_ptr=key_of(NOW))
    assert clean() == 2
    assert refs(a_project) == set()


def test_unresolved_frames_go_with_their_set_and_resolved_ones_stay_without_it(a_project: Project) -> None:
    old = make_set(a_project, "old", created=NOW - MONTH * 2)
    new = make_set(a_project, "new", created=NOW)
    resolved = make_frame(a_project, symbol_set=old)
    make_frame(a_project, symbol_set=old, resolved=False)
    others = make_frame(a_project, symbol_set=new, resolved=False)
    assert clean() == 1
    left = StackFrame.objects.filter(environment_id=a_project.pk)
    assert dict(left.values_list("pk", "symbol_set_id")) == {resolved.pk: None, others.pk: new.pk}


def test_it_is_the_same_in_all_projects(a_project: Project, stranger: World) -> None:
    for project in (a_project, stranger.project):
        make_set(project, "old", created=NOW - MONTH * 2)
        make_set(project, "new", created=NOW)
    assert clean() == 2
    assert refs(a_project) == refs(stranger.project) == {"new"}


def test_many_go_in_steps(a_project: Project, stranger: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "BATCH", 3)
    monkeypatch.setattr(cleanup, "STEP", 2)
    for number in range(8):
        make_set(a_project, f"old {number}", created=NOW - MONTH * 2)
        make_set(a_project, f"new {number}", created=NOW)
        make_set(stranger.project, f"old {number}", created=NOW - MONTH * 2)
    assert clean() == 16
    assert len(refs(a_project)) == 8
    assert refs(stranger.project) == set()


def test_no_run_deletes_more_than_its_most(a_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (cleanup.BATCH, cleanup.MOST) == (10_000, 500_000)
    monkeypatch.setattr(cleanup, "BATCH", 3)
    monkeypatch.setattr(cleanup, "MOST", 5)
    for number in range(8):
        make_set(a_project, f"old {number}", created=NOW - MONTH * 2)
    assert clean() == 5
    assert clean() == 3
    assert clean() == 0


def test_a_set_that_is_used_again_before_its_turn_stays(a_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    row = make_set(a_project, "old", created=NOW - MONTH * 2)

    def found_and_then_used(after: tuple[int, UUID], most: int) -> list[tuple[int, UUID]]:
        SymbolSet.objects.filter(environment_id=a_project.pk).update(last_used=NOW)
        return [(a_project.pk, row.pk)]

    monkeypatch.setattr(cleanup, "_old", found_and_then_used)
    assert clean() == 0
    assert refs(a_project) == {"old"}


# ---- data


def test_the_data_of_a_deleted_set_goes(stored: Storage, a_project: Project) -> None:
    key, kept = key_of(NOW), key_of(NOW)
    for name in (key, kept):
        stored.write(a_project.pk, name, [b"data"])
    gone = make_set(a_project, "gone", created=NOW, storage_ptr=key)
    make_set(a_project, "kept", created=NOW, storage_ptr=kept)
    gone.delete()
    assert sweep(NOW + timedelta(hours=2)) == 1
    assert [stored.size(a_project.pk, name) for name in (key, kept)] == [None, 4]
    assert garbage() == set()


def test_the_data_that_was_replaced_goes_and_the_new_stays(stored: Storage, a_project: Project) -> None:
    old, new = key_of(NOW), key_of(NOW)
    for name in (old, new):
        stored.write(a_project.pk, name, [b"data"])
    row = make_set(a_project, "chunk", created=NOW, storage_ptr=old)
    row.storage_ptr = new
    row.save()
    assert sweep(NOW + timedelta(hours=2)) == 1
    assert [stored.size(a_project.pk, name) for name in (old, new)] == [None, 4]


def test_deleting_a_release_deletes_its_sets_and_their_data(stored: Storage, a_project: Project) -> None:
    release, key = make_release(a_project), key_of(NOW)
    stored.write(a_project.pk, key, [b"data"])
    make_set(a_project, "chunk", created=NOW, storage_ptr=key, release=release)
    release.delete()
    assert refs(a_project) == set()
    assert sweep(NOW + timedelta(hours=2)) == 1
    assert stored.size(a_project.pk, key) is None


def test_the_data_goes_after_its_project_has_gone(object_store: Bucket, a_project: Project) -> None:
    key, project_id = key_of(NOW), a_project.pk
    storage.storage().write(project_id, key, [b"data"])
    make_set(a_project, "chunk", created=NOW, storage_ptr=key)
    a_project.delete()
    assert sweep(NOW + timedelta(hours=2)) == 1
    assert object_store.names() == []


def test_what_lay_in_the_database_before_there_was_a_bucket_goes_too(object_store: Bucket, a_project: Project) -> None:
    key = key_of(NOW)
    DatabaseStorage().write(a_project.pk, key, [b"data"])
    make_set(a_project, "chunk", created=NOW, storage_ptr=key).delete()
    assert sweep(NOW + timedelta(hours=2)) == 1
    assert DatabaseStorage().size(a_project.pk, key) is None


def test_a_key_that_may_still_be_written_waits_for_an_hour(a_project: Project) -> None:
    key = key_of(NOW)
    make_set(a_project, "chunk", created=NOW, storage_ptr=key).delete()
    assert sweep(NOW + timedelta(hours=1)) == 0
    assert garbage() == {key}
    assert sweep(NOW + timedelta(hours=1, seconds=1)) == 1
    assert garbage() == set()


def test_what_a_set_points_at_is_never_deleted(stored: Storage, a_project: Project) -> None:
    key = key_of(NOW)
    stored.write(a_project.pk, key, [b"data"])
    make_set(a_project, "chunk", created=NOW, storage_ptr=key)
    SymbolGarbage.objects.create(key=key, project_id=a_project.pk)
    assert sweep(NOW + timedelta(days=1)) == 0
    assert stored.size(a_project.pk, key) == 4
    assert garbage() == set()


def test_a_set_of_another_project_protects_nothing(a_project: Project, stranger: World) -> None:
    key = key_of(NOW)
    storage.storage().write(a_project.pk, key, [b"data"])
    make_set(stranger.project, "chunk", created=NOW, storage_ptr=key)
    SymbolGarbage.objects.create(key=key, project_id=a_project.pk)
    assert sweep(NOW + timedelta(days=1)) == 1
    assert storage.storage().size(a_project.pk, key) is None


def test_much_garbage_is_swept_in_steps_past_what_has_to_wait(a_project: Project, stranger: World) -> None:
    later = NOW + timedelta(hours=2)
    for project in (a_project, stranger.project):
        for number in range(25):
            key = key_of(NOW + timedelta(milliseconds=number))
            storage.storage().write(project.pk, key, [b"data"])
            SymbolGarbage.objects.create(key=key, project_id=project.pk)
    young = {key_of(later) for _ in range(30)}
    SymbolGarbage.objects.bulk_create(SymbolGarbage(key=key, project_id=a_project.pk) for key in young)
    SymbolGarbage.objects.create(key="another key", project_id=a_project.pk)
    assert sweep(later) == 51
    assert garbage() == young
    for project in (a_project, stranger.project):
        assert not SymbolChunk.objects.filter(environment_id=project.pk).exists()


def test_what_could_not_be_deleted_is_tried_again(a_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(NOW)
    SymbolGarbage.objects.create(key=key, project_id=a_project.pk)

    def away(*_: object) -> None:
        raise Unavailable("no route to host")

    monkeypatch.setattr(storage.storage(), "delete", away, raising=False)
    with pytest.raises(Unavailable):
        sweep(NOW + timedelta(hours=2))
    assert garbage() == {key}
    monkeypatch.undo()
    assert sweep(NOW + timedelta(hours=2)) == 1


def test_both_are_done_by_one_task_every_hour(a_project: Project) -> None:
    key = key_of(NOW - MONTH * 2)
    storage.storage().write(a_project.pk, key, [b"data"])
    make_set(a_project, "old", created=NOW - MONTH * 2, storage_ptr=key)
    task = app.tasks["errortracking.symbols.clean"]
    with clock.stopped_at(NOW):
        task(timestamp=0)
    assert refs(a_project) == set()
    assert storage.storage().size(a_project.pk, key) is None
    periodic = app.periodic_registry.periodic_tasks
    assert [found.cron for found in periodic.values() if found.task is task] == ["23 * * * *"]
