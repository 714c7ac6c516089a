"""What issues are found by: texts, releases and SDKs, kept by fingerprint (``pipeline/search.py``)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from environments.models import Project
from environments.tenancy import sql
from errortracking.models import (
    Fingerprint,
    FingerprintRelease,
    FingerprintSDK,
    FingerprintText,
    Issue,
    Release,
    partitions,
)
from errortracking.models.search import MAX_TEXT
from errortracking.pipeline import search
from tests.errortracking.pipeline.making import NOON, entry, exception, frame, make_project, send

Commit = Callable[..., Any]


@pytest.fixture(autouse=True)
def _forgetful(db: None) -> Iterator[None]:
    partitions.ensure([NOON.date()])
    search._memory.clear()
    yield
    search._memory.clear()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of the stage, as they are sent."""
    sent: list[str] = []
    execute = sql.Cursor.execute

    def seen(cursor: sql.Cursor, query: Any, *arguments: Any, **options: Any) -> Any:
        if query == search._WRITE:
            sent.append(query)
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(sql.Cursor, "execute", seen)
    return sent


def one(value: str = "no stock", *, type_: str = "ValueError", frames: Any = None, **properties: Any) -> Any:
    """Return an exception of the fingerprint ``f``."""
    sent = [exception(type_, value, frames)]
    return entry(*sent, properties={"$exception_fingerprint": "f", **properties})


def lines(project: Project, fingerprint: str = "f") -> list[str]:
    """Return what a fingerprint is found by."""
    row = Fingerprint.objects.get(environment_id=project.id, fingerprint=fingerprint)
    return FingerprintText.objects.get(environment_id=project.id, fingerprint_id=row.id).text.split("\n")


def test_types_files_functions_and_messages_are_kept_in_this_order(project: Project) -> None:
    frames = [frame("pay"), frame("charge", filename="shop/bank.py")]
    send(project, entry(exception("KeyError", "'id'", frames), exception("TypeError", "no cart", [frame("sell")])))

    [row] = FingerprintText.objects.filter(environment_id=project.id)
    assert sorted(row.text.split("\n")) == sorted(
        ["KeyError", "TypeError", "shop/cart.py", "pay", "shop/bank.py", "charge", "sell", "'id'", "no cart"]
    )
    places = {line: number for number, line in enumerate(row.text.split("\n"))}
    assert max(places["KeyError"], places["TypeError"]) < places["pay"] < min(places["'id'"], places["no cart"])


def test_what_was_there_is_not_repeated_and_new_words_are_added(project: Project) -> None:
    send(project, one("no stock"))
    assert lines(project) == ["ValueError", "shop/cart.py", "pay", "no stock"]
    send(project, one("no stock"), one("no money"), one("stock", type_="Error"))

    # "stock" and "Error" are found by what is there.
    assert lines(project) == ["ValueError", "shop/cart.py", "pay", "no stock", "no money"]


def test_frames_of_libraries_are_kept_only_where_there_are_no_others(project: Project) -> None:
    library = frame("get", filename="requests/api.py", in_app=False)
    send(project, one(frames=[frame("pay"), library]))
    assert lines(project) == ["ValueError", "shop/cart.py", "pay", "no stock"]
    alone = entry(exception(frames=[library]), properties={"$exception_fingerprint": "g"})
    send(project, alone)
    assert lines(project, "g") == ["ValueError", "requests/api.py", "get", "no stock"]


def test_an_exception_without_frames_is_found_by_type_and_message(project: Project) -> None:
    send(project, one("two\nlines\r\n", frames=[]))
    assert lines(project) == ["ValueError", "two lines"]


def test_a_long_message_is_cut(project: Project) -> None:
    send(project, one("x" * 5000, frames=[]))
    assert lines(project) == ["ValueError", "x" * search.MAX_TERM]


def test_a_row_grows_no_longer_than_its_limit(project: Project) -> None:
    for round_ in range(3):
        send(project, *[one(f"message {round_} {number:<100}.", frames=[]) for number in range(20)])
    [row] = FingerprintText.objects.filter(environment_id=project.id)
    assert len(row.text) == MAX_TEXT
    assert row.text.startswith("ValueError\nmessage 0 0 ")
    assert "message 0 19" not in row.text


def test_a_batch_is_one_statement_however_many_fingerprints(project: Project, written: list[str]) -> None:
    send(project, *[entry(exception(f"Error{number}")) for number in range(50)])
    assert len(written) == 1
    assert FingerprintText.objects.filter(environment_id=project.id).count() == 50


def test_what_is_known_takes_no_statement_once_it_was_committed(
    project: Project, written: list[str], django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        send(project, one("no stock"), one("no money"))
    assert len(written) == 1
    send(project, one("no money"), one("no stock"))
    assert len(written) == 1
    send(project, one("no time"))
    assert len(written) == 2


def test_what_was_rolled_back_is_not_remembered(project: Project, written: list[str]) -> None:
    with transaction.atomic():
        send(project, one("no stock"))
        transaction.set_rollback(True)
    send(project, one("no stock"))
    assert len(written) == 2
    assert lines(project)[-1] == "no stock"


def test_a_full_row_is_not_written_any_more(
    project: Project, written: list[str], django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        send(project, *[one(f"{number} {'y' * 250}", frames=[]) for number in range(10)])
    send(project, one("something else"))
    assert len(written) == 1


def test_the_memory_is_bounded(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commit
) -> None:
    monkeypatch.setattr(search, "REMEMBERED", 3)
    with django_capture_on_commit_callbacks(execute=True):
        send(project, *[entry(exception(f"Error{number}")) for number in range(10)])
    assert len(search._memory) == 3


def test_very_many_terms_are_put_together_in_no_longer_time() -> None:
    """One event may hold 50,000 frames; each function was looked for in a text of all before it."""
    started = time.perf_counter()
    text = search.text_of(f"function_{number}_" for number in range(50_000))
    assert time.perf_counter() - started < 1
    assert (len(text), text[:23]) == (MAX_TEXT, "function_0_\nfunction_1_")


@pytest.mark.parametrize(
    "values",
    [
        [f"{number} {'y' * 250}" for number in range(30)],  # what fills the row
        ["x" * 300 + str(number) for number in range(30)],  # what differs behind what is kept
        ["abcdefghijklmnopqrstuvwxyz"[:number] for number in range(26, 0, -1)],  # what is part of what is kept
    ],
)
def test_the_memory_of_one_fingerprint_is_bounded(
    project: Project,
    values: list[str],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    monkeypatch.setattr(search, "REMEMBERED_OF_ONE", 20)
    with django_capture_on_commit_callbacks(execute=True):
        send(project, *[one(value, frames=[]) for value in values])
    [known] = search._memory.values()
    assert len(known.terms) <= 20


def test_a_message_that_differs_behind_what_is_kept_takes_no_statement(
    project: Project, written: list[str], django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        send(project, one("x" * 300 + "1"))
    send(project, one("x" * 300 + "2"))
    assert len(written) == 1


def test_very_many_sdks_of_one_fingerprint_are_kept_and_not_remembered(
    project: Project, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commit
) -> None:
    monkeypatch.setattr(search, "REMEMBERED_OF_ONE", 20)
    with django_capture_on_commit_callbacks(execute=True):
        send(project, *[one(**{"$lib": f"sdk-{number}"}) for number in range(30)])
    [known] = search._memory.values()
    assert len(known.places) <= 20
    assert FingerprintSDK.objects.filter(environment_id=project.id).count() == 30


def test_the_sdk_is_kept(project: Project) -> None:
    unknown: dict[str, Any] = {"$lib": None}
    send(project, one(), one(**{"$lib": "web"}), one(**{"$lib": "web"}), one(**unknown))
    rows = FingerprintSDK.objects.filter(environment_id=project.id)
    assert sorted(row.sdk for row in rows) == ["posthog-python", "web"]


def test_the_release_is_kept_and_goes_when_it_is_deleted(project: Project) -> None:
    release = Release.objects.create(environment=project, hash_id="h", version="1.0", project="web")
    send(project, one(**{"$release_id": str(release.id)}), one())
    [row] = FingerprintRelease.objects.filter(environment_id=project.id)
    assert (row.release_id, row.fingerprint.fingerprint) == (release.id, "f")
    release.delete()
    assert not FingerprintRelease.objects.filter(environment_id=project.id).exists()


def test_everything_goes_with_the_issue(project: Project) -> None:
    release = Release.objects.create(environment=project, hash_id="h", version="1.0", project="web")
    send(project, one(**{"$release_id": str(release.id)}))
    Issue.objects.filter(environment_id=project.id).delete()
    for model in (FingerprintText, FingerprintRelease, FingerprintSDK):
        assert not model._default_manager.filter(environment_id=project.id).exists()


def test_projects_do_not_share_what_is_known(
    project: Project, written: list[str], django_capture_on_commit_callbacks: Commit
) -> None:
    other = make_project("other")
    with django_capture_on_commit_callbacks(execute=True):
        send(project, one())
    send(other, one())
    assert len(written) == 2
    assert lines(other) == lines(project)


def test_events_that_were_not_stored_add_nothing(project: Project, written: list[str]) -> None:
    send(project, one())
    Issue.objects.filter(environment_id=project.id).update(status="suppressed")
    send(project, one("something else"))
    assert len(written) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_add_to_one_row_and_nothing_is_lost() -> None:
    """Each appends to what the other has committed: the row's lock decides, not what was read before."""
    project = make_project()
    partitions.ensure([NOON.date()])
    send(project, one("first", frames=[]))
    row = Fingerprint.objects.get(environment_id=project.id)
    started, errors = threading.Barrier(2), []

    def add(message: str) -> None:
        try:
            started.wait(10)
            with transaction.atomic():
                search._write(project.id, {row.id: search._New({message: None}, {message})})
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    for round_ in range(10):
        threads = [threading.Thread(target=add, args=(f"{name} {round_};",)) for name in ("left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert errors == []
    expected = {f"{name} {round_};" for name in ("left", "right") for round_ in range(10)}
    assert set(lines(project)) == {"ValueError", "first", *expected}
