"""Uploads that meet others at the same sets, each on a connection of its own: nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TypeVar

import psycopg
import pytest
from django.db import connection, transaction

from environments import clock
from environments.models import Project
from errortracking.models import Release, SymbolSet
from errortracking.symbols import lookup_rows, uploads
from errortracking.symbols.storage import new_key
from errortracking.symbols.upload_rules import OnConflict, Upload
from tests.environments.world import make_world
from tests.errortracking.api.making import make_release, make_symbol_set

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def project() -> Project:
    """A project that is committed, so that other connections see it."""
    return make_world().project


def key_of(project: Project, content_hash: str | None, moment: datetime, on_conflict: OnConflict) -> str:
    """Begin the upload of one set at a moment, and return where it is sent."""
    with clock.stopped_at(moment), transaction.atomic():
        (row,) = uploads.start(project.pk, [Upload("a", None, content_hash)], on_conflict).pending
    assert row.storage_ptr
    assert SymbolSet.objects.get(environment=project).storage_ptr == row.storage_ptr
    return row.storage_ptr


def begun(project: Project, *refs: str, release: str | None = None) -> list[str]:
    """Begin uploads as the API does, and return what is to be sent."""
    wanted = [Upload(ref, release, "h") for ref in refs]
    with transaction.atomic():
        return sorted(row.ref for row in uploads.start(project.pk, wanted, OnConflict.REFUSE).pending)


def elsewhere(work: Callable[[], T]) -> Callable[[], T]:
    """Return ``work`` for a thread, which leaves no connection behind."""

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    return run


@contextmanager
def held(project: Project, ref: str) -> Iterator[None]:
    """Hold a set in another connection, as an upload that is being begun does."""
    options = {name: connection.settings_dict[name.upper()] for name in ("host", "user", "port")}
    given = {name: value for name, value in options.items() if value}
    with psycopg.connect(dbname=connection.settings_dict["NAME"], **given) as other:
        other.execute(
            "SELECT 1 FROM errortracking_symbolset WHERE environment_id = %s AND ref = %s FOR UPDATE", [project.pk, ref]
        )
        yield
        other.rollback()


def until_somebody_waits(or_else: Callable[[], bool]) -> None:
    """Wait until a transaction waits for another one's, or ``or_else`` is true."""
    end = monotonic() + 60
    while not or_else():
        assert monotonic() < end
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        sleep(0.01)


def test_a_set_that_is_made_while_others_begin_leads_them_into_no_circle(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One looked before the second set was there, and the other after that: both lock the sets in one order."""
    early_has_looked, early_may_go = threading.Event(), threading.Event()
    late_has_looked, late_may_go = threading.Event(), threading.Event()
    pauses = {"early": (early_has_looked, early_may_go), "late": (late_has_looked, late_may_go)}

    def key_after_a_pause() -> str:
        if pause := pauses.pop(threading.current_thread().name.partition("_")[0], None):
            looked, may_go = pause
            looked.set()
            assert may_go.wait(60)
        return new_key()

    monkeypatch.setattr(uploads, "new_key", key_after_a_pause)
    with ThreadPoolExecutor(1, "early") as one, ThreadPoolExecutor(1, "late") as other:
        early = one.submit(elsewhere(lambda: begun(project, "a", "b")))
        assert early_has_looked.wait(60)
        make_symbol_set(project, ref="b", storage_ptr=new_key())
        late = other.submit(elsewhere(lambda: begun(project, "a", "b")))
        until_somebody_waits(late_has_looked.is_set)
        early_may_go.set()
        until_somebody_waits(early.done)
        late_may_go.set()
        assert (early.result(60), late.result(60)) == (["a", "b"], ["a", "b"])


def test_a_set_that_is_deleted_while_an_upload_begins_is_made_anew(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing in the answer need not be sent: a set that nobody has must not be missing there."""
    make_symbol_set(project, ref="a", storage_ptr=new_key(), content_hash="h")
    locked = uploads._locked

    def locked_too_late(*arguments: object) -> list[SymbolSet]:
        monkeypatch.setattr(uploads, "_locked", locked)
        elsewhere_deleted = elsewhere(lambda: SymbolSet.objects.filter(environment=project).delete())
        with ThreadPoolExecutor(1) as pool:
            pool.submit(elsewhere_deleted).result(60)
        return locked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "_locked", locked_too_late)
    assert begun(project, "a", "b") == ["a", "b"]


def test_uploads_of_a_project_begin_one_after_the_other(project: Project) -> None:
    """Others may delete sets in between: two that each hold some and make others anew would wait in a circle."""
    other = make_world().project
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            uploads.start(project.pk, [Upload("a", None, "h")], OnConflict.REFUSE)
            second = pool.submit(elsewhere(lambda: begun(project, "b")))
            until_somebody_waits(second.done)
            assert not second.done()
            with ThreadPoolExecutor(1) as another:
                assert another.submit(elsewhere(lambda: begun(other, "b"))).result(60) == ["b"]
        assert second.result(60) == ["b"]


def test_a_check_waits_for_nobody(project: Project) -> None:
    """It notes that sets are used; of one that somebody else holds that can be told another time."""
    for ref in ("a", "b"):
        make_symbol_set(project, ref=ref, storage_ptr=new_key(), content_hash="h")
    with held(project, "a"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        wanted = [Upload(ref, None, "h") for ref in ("b", "a")]
        assert uploads.check(project.pk, wanted, OnConflict.REFUSE) == []
    noted = dict(SymbolSet.objects.filter(environment=project).values_list("ref", "last_used"))
    assert (noted["a"], noted["b"] is not None) == (None, True)


def test_a_look_up_waits_for_nobody(project: Project) -> None:
    for ref in ("a", "b"):
        make_symbol_set(project, ref=ref, storage_ptr=new_key(), content_hash="h")
    rows = lookup_rows.read(project.pk, ["a", "b"])
    with held(project, "a"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        lookup_rows.used(project.pk, list(rows.values()), NOON)
    noted = dict(SymbolSet.objects.filter(environment=project).values_list("ref", "last_used"))
    assert noted == {"a": None, "b": NOON}


def test_an_upload_that_begins_and_its_release_that_goes_wait_in_no_circle(project: Project) -> None:
    """Who deletes a release locks its sets and then the release; so the one must not hold the release first."""
    release = make_release(project)
    make_symbol_set(project, ref="b", storage_ptr=new_key(), release=release)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        uploads.lock_sets_of(project.pk, release.pk)
        started = pool.submit(elsewhere(lambda: begun(project, "a", "b", release=str(release.pk))))
        until_somebody_waits(started.done)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
        Release.objects.select_for_update().get(environment=project, pk=release.pk)
    assert started.result(60) == ["a", "b"]


@pytest.mark.parametrize("on_conflict", OnConflict)
def test_who_begins_the_same_upload_at_the_same_time_sends_it_to_the_same_place(
    project: Project, on_conflict: OnConflict
) -> None:
    """Two builds of one commit: neither takes the other's place away. Other content has a place of its own."""
    first = key_of(project, "h", NOON, on_conflict)
    assert key_of(project, "h", NOON + timedelta(minutes=4, seconds=59), on_conflict) == first
    late = key_of(project, "h", NOON + timedelta(minutes=5, seconds=1), on_conflict)  # the first one's address is over
    other = key_of(project, "other", NOON + timedelta(minutes=6), on_conflict)
    untold = [key_of(project, None, NOON + timedelta(minutes=6), on_conflict) for _ in range(2)]
    assert len({first, late, other, *untold}) == 5


def test_who_replaces_what_is_there_at_the_same_time_sends_it_to_the_same_place(project: Project) -> None:
    make_symbol_set(project, ref="a", storage_ptr=new_key(), content_hash="old", begun_hash="old")
    first = key_of(project, "new", NOON, OnConflict.REPLACE)
    assert key_of(project, "new", NOON, OnConflict.REPLACE) == first
    assert SymbolSet.objects.get(environment=project).content_hash is None


def test_an_upload_of_an_old_client_has_a_place_of_its_own(project: Project) -> None:
    """It tells no hash, so nobody knows whether it sends the same."""
    keys = set()
    for _ in range(2):
        with transaction.atomic():
            (row,) = uploads.restart(project.pk, "a", None).pending
        keys.add(row.storage_ptr)
    assert len(keys) == 2
