"""People merge, split and undo while a worker processes: nothing is lost, nothing counted twice or for the wrong issue.

Threads with connections of their own over one PostgreSQL; the worker takes its turns as it does in service.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection, transaction

from environments.models import Project
from errortracking.issues import locking
from errortracking.issues.changing import change, change_many
from errortracking.issues.errors import Busy, IssueGone, Refused
from errortracking.issues.merging import merge
from errortracking.issues.splitting import Part, split
from errortracking.issues.successors import successor_of
from errortracking.issues.undoing import undo
from errortracking.models import Event, Fingerprint, Issue, IssueOperation, partitions
from errortracking.pipeline import group
from errortracking.pipeline.batch import KnownFingerprint
from tests.errortracking.issues.making import ACTOR, came, check, names, numbers, texts
from tests.errortracking.pipeline.making import NOON, entry, exception, make_project, outcomes, queue, turn, waiting

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT = 0.3  # seconds that the first keeps its transaction open, while the second comes to the same row
TYPES = [f"E{number}Error" for number in range(6)]


class Threads:
    """Threads that close their connections and whose failures fail the test."""

    def __init__(self) -> None:
        self.failed: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def start(self, work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                self.failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert self.failed == []
        assert not any(thread.is_alive() for thread in self._threads)


@pytest.fixture
def project() -> Project:
    partitions.ensure([NOON.date()])
    return make_project()


@contextmanager
def holding(work: Callable[[], object]) -> Iterator[threading.Event]:
    """Do ``work`` in a transaction of another thread that ends a moment after the block has begun."""
    threads, done = Threads(), threading.Event()

    def run() -> None:
        with transaction.atomic():
            work()
            done.set()
            time.sleep(MOMENT)

    threads.start(run)
    assert done.wait(5)
    yield done
    threads.join()


def known(project: Project, text: str) -> KnownFingerprint:
    with transaction.atomic():
        return group.find(project.pk, [text])[text]


def test_a_worker_that_waits_for_a_merge_finds_the_target(project: Project) -> None:
    """And does not take the fingerprint for unknown: an older version's would make an issue of its own then."""
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    (text,) = texts(second)
    with holding(lambda: merge(project.pk, first.pk, [second.pk], ACTOR)):
        assert known(project, text)[1:] == (first.pk, "active")


def test_a_worker_that_waits_for_a_split_finds_the_new_issue(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    (text,) = texts(second)
    merge(project.pk, first.pk, [second.pk], ACTOR)
    change(project.pk, first.pk, {"status": "resolved"})
    with holding(lambda: split(project.pk, first.pk, [Part(text)], ACTOR)):
        found = known(project, text)
    new = Fingerprint.objects.get(environment_id=project.pk, fingerprint=text).issue_id
    assert (found.issue_id, found.status) == (new, "active")
    assert new != first.pk


def test_a_worker_that_waits_for_an_undo_finds_the_issue_that_came_back(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    (text,) = texts(second)
    merge(project.pk, first.pk, [second.pk], ACTOR)
    with holding(lambda: undo(project.pk, first.pk, ACTOR)):
        assert known(project, text)[1:] == (second.pk, "active")


def test_a_merge_waits_for_the_batch_that_counts(project: Project) -> None:
    """The batch is at its end when the merge begins; what it adds is part of the numbers that the merge makes."""
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    queue(project, entry(exception("ValueError"), distinct_id="eve"), entry(exception("KeyError"), distinct_id="bob"))
    with holding(lambda: turn(project)):
        merge(project.pk, first.pk, [second.pk], ACTOR)
    assert (numbers(first) or ())[:2] == (4, 3)
    check(project)


def test_of_two_merges_into_one_another_one_is_made(project: Project) -> None:
    for _ in range(5):
        first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
        threads, together = Threads(), threading.Barrier(2)
        gone: list[UUID] = []

        def go(target: UUID, source: UUID, together: threading.Barrier = together, gone: list[UUID] = gone) -> None:
            together.wait(5)
            try:
                merge(project.pk, target, [source], ACTOR)
            except IssueGone:
                gone.append(target)

        threads.start(lambda first=first, second=second: go(first.pk, second.pk))  # type: ignore[misc]
        threads.start(lambda first=first, second=second: go(second.pk, first.pk))  # type: ignore[misc]
        threads.join()
        (lost,) = gone
        (left,) = Issue.objects.filter(environment_id=project.pk)
        assert successor_of(project.pk, lost) == left.pk
        check(project)
        undo(project.pk, left.pk, ACTOR)


def test_of_several_undos_of_one_merge_one_is_made(project: Project) -> None:
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    merge(project.pk, first.pk, [second.pk], ACTOR)
    threads, refused, together = Threads(), [], threading.Barrier(4)

    def go() -> None:
        together.wait(5)
        try:
            undo(project.pk, first.pk, ACTOR)
        except Refused as error:
            refused.append(error.code)

    for _ in range(4):
        threads.start(go)
    threads.join()
    assert refused == ["nothing_to_undo"] * 3
    assert names(project) == ["KeyError", "ValueError"]
    check(project)


def test_what_lets_go_too_often_is_busy_and_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_PAUSE", 0.0001)
    tries = []

    def work() -> None:
        tries.append(1)
        Issue.objects.create(environment=project)
        raise locking.Changed

    with pytest.raises(Busy):
        locking.settled(work)
    assert len(tries) == 5
    assert names(project) == []


def test_those_who_wait_for_one_another_begin_anew(project: Project) -> None:
    """PostgreSQL ends one of two that would wait for ever; it does its work again, and both have done it in the end."""
    issues = [Issue.objects.create(environment=project, name="") for _ in range(2)]
    threads, tries, together = Threads(), [], threading.Barrier(2)

    def work(order: list[Issue]) -> None:
        tries.append(1)
        first, second = (issue.pk for issue in order)
        locking.lock_issues(project.pk, [first])
        if len(tries) <= 2:
            together.wait(5)
        for row in locking.lock_issues(project.pk, [first, second]):
            Issue.objects.filter(environment_id=project.pk, pk=row.pk).update(name=f"{row.name}x")

    for order in (issues, issues[::-1]):
        threads.start(lambda order=order: locking.settled(lambda: work(order)))  # type: ignore[misc]
    threads.join()
    assert len(tries) >= 3
    assert names(project) == ["xx", "xx"]


def _shuffle(project: Project, seed: int, until: threading.Event) -> None:
    """Merge, split, undo, resolve, in an order that ``seed`` draws, as long as there is something to process."""
    draw = random.Random(seed)
    while not until.is_set():
        issues = list(Issue.objects.filter(environment_id=project.pk).values_list("pk", flat=True))
        if not issues:
            continue
        one, *others = draw.sample(issues, len(issues))
        try:
            match draw.choice(["merge", "merge", "split", "undo", "resolve"]):
                case "merge" if others:
                    merge(project.pk, one, others[: draw.randint(1, 3)], ACTOR)
                case "split":
                    mine = Fingerprint.objects.filter(environment_id=project.pk, issue_id=one)
                    found = list(mine.values_list("fingerprint", flat=True))
                    split(project.pk, one, [Part(text) for text in found[: draw.randint(1, 2)]], ACTOR)
                case "undo":
                    undo(project.pk, one, ACTOR)
                case "resolve":
                    change_many(project.pk, issues[:3], {"status": draw.choice(["resolved", "active"])})
        except (IssueGone, Refused):
            pass  # somebody else was faster


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_people_do_meanwhile_every_event_is_stored_and_counted_once(project: Project, seed: int) -> None:
    draw = random.Random(seed)
    requests, each = 120, 5
    for _ in range(requests):
        queue(
            project,
            *(
                entry(
                    exception(draw.choice(TYPES)), distinct_id=f"user-{draw.randint(1, 9)}", timestamp=NOON.isoformat()
                )
                for _ in range(each)
            ),
        )
    done, threads = threading.Event(), Threads()

    def work() -> None:
        from errortracking.pipeline import lease

        lease.BATCH_ROWS = 4
        try:
            while turn(project):
                pass
        finally:
            lease.BATCH_ROWS = 250
            done.set()

    threads.start(work)
    for number in range(2):
        threads.start(lambda number=number: _shuffle(project, seed * 10 + number, done))  # type: ignore[misc]
    threads.join()

    assert waiting(project) == 0
    assert outcomes(project) == {"stored": requests * each}
    assert Event.objects.filter(environment_id=project.pk).count() == requests * each
    assert Fingerprint.objects.filter(environment_id=project.pk).count() == len(TYPES)
    assert IssueOperation.objects.filter(environment_id=project.pk, kind="merge").count() > 3
    check(project)


def test_an_exception_and_an_assignment_rule_do_not_meet_a_merged_issue(project: Project) -> None:
    """Resolved issues are opened by the batch while they are merged: the batch opens the target then."""
    first, second = came(project, "KeyError", "ada"), came(project, "ValueError", "bob")
    change_many(project.pk, [first.pk, second.pk], {"status": "resolved"})
    queue(project, entry(exception("ValueError"), distinct_id="eve"))
    with holding(lambda: merge(project.pk, first.pk, [second.pk], ACTOR)):
        turn(project)
    first.refresh_from_db()
    assert first.status == "active"
    assert (numbers(first) or ())[:2] == (3, 3)
    check(project)
