"""Symbol sets are deleted while a batch writes the frames that point at them: nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import pytest
from django.db import connection, transaction

from environments import clock
from environments.ids import uuid7
from environments.models import Project
from errortracking.models import StackFrame, SymbolSet
from errortracking.pipeline import frame_rows
from errortracking.symbols import uploads
from tests.errortracking.pipeline.making import NOON, make_project, send
from tests.errortracking.pipeline.mapping import thrown, web
from tests.errortracking.pipeline.working import until

pytestmark = pytest.mark.django_db(transaction=True)

REFS = ["chunk-b", "chunk-a"]  # the older one, and so the one with the smaller id, has the greater name
FRAMES = [web(function=ref, chunk_id=ref) for ref in REFS]


@pytest.fixture
def project() -> Project:
    """A project with two sets that are being uploaded, and a frame of each that has failed."""
    project = make_project()
    for second, ref in enumerate(REFS):
        id_ = uuid7(NOON + timedelta(seconds=second))
        SymbolSet.objects.create(environment=project, id=id_, ref=ref, storage_ptr=f"symbolsets/{ref}")
    with clock.stopped_at(NOON):
        send(project, thrown(*FRAMES))
    assert StackFrame.objects.filter(environment_id=project.id, symbol_set__isnull=False).count() == len(REFS)
    return project


class Other:
    """Somebody who works in a transaction on another connection."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.failed: list[BaseException] = []
        self._work = work
        self._connected: SimpleQueue[int] = SimpleQueue()
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        """Let it come as far as it gets: until it has to wait for this connection, or has ended."""
        self._thread.start()
        pid = self._connected.get(timeout=30)
        until(lambda: not self._thread.is_alive() or _waits(pid))

    def end(self) -> None:
        """Wait for its end; raise what it has raised."""
        self._thread.join()
        for error in self.failed:
            raise error

    def _run(self) -> None:
        try:
            self._connected.put(_pid())
            with transaction.atomic():
                self._work()
        except BaseException as error:
            self.failed.append(error)
        finally:
            connection.close()


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _waits(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_blocking_pids(%s) <> '{}'", [pid])
        return bool(cursor.fetchone()[0])


def renew_the_frames(project: Project) -> None:
    """Process an event whose frames have rows that are stale, and wait for other sets."""
    StackFrame.objects.filter(environment_id=project.id).update(missing_ref="another")
    with clock.stopped_at(NOON + timedelta(seconds=400)):
        send(project, thrown(*FRAMES))


def delete(project: Project) -> list[uploads.Effect]:
    ids = SymbolSet.objects.filter(environment_id=project.id).values_list("pk", flat=True)
    return uploads.delete(project.id, list(ids))


def test_sets_are_deleted_once_a_batch_has_written_the_frames_that_it_was_about_to(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(lambda: delete(project))
    write = frame_rows._upsert_frames

    def begins_then_writes(*arguments: Any) -> Any:
        other.begin()
        return write(*arguments)

    monkeypatch.setattr(frame_rows, "_upsert_frames", begins_then_writes)
    renew_the_frames(project)
    other.end()

    assert not SymbolSet.objects.filter(environment_id=project.id).exists()
    assert not StackFrame.objects.filter(environment_id=project.id).exists()


def test_batches_and_those_who_delete_lock_sets_in_the_same_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []
    lock = frame_rows._symbol_sets

    def counted(*arguments: Any) -> Any:
        tries.append(arguments)
        return lock(*arguments)

    monkeypatch.setattr(frame_rows, "_symbol_sets", counted)
    rows = SymbolSet.objects.filter(environment_id=project.id)
    other = Other(lambda: renew_the_frames(project))
    with transaction.atomic():
        rows.select_for_update().get(ref="chunk-a")  # the first that `uploads` locks
        other.begin()
        rows.select_for_update().get(ref="chunk-b")
    other.end()

    assert len(tries) == 1  # a batch is tried again after a deadlock
    assert StackFrame.objects.filter(environment_id=project.id, symbol_set__isnull=False).count() == len(REFS)
