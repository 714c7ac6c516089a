"""Taking rows from the queue: which project, which rows, and what makes an effect happen once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import QueuedRequest, payload
from errortracking.pipeline import lease
from errortracking.pipeline.lease import LeaseLost, Waiting
from tests.errortracking.pipeline.making import NOON, entry, make_project, queue, request


def row(project: Project) -> QueuedRequest:
    return QueuedRequest.objects.get(environment_id=project.id)


# ---- whose turn it is


def test_projects_are_listed_with_the_bytes_that_wait_most_first(db: None) -> None:
    small, large = make_project("small"), make_project("large")
    one = queue(small, entry())
    several = [queue(large, entry()), queue(large, entry(), entry())]

    assert lease.waiting() == [
        Waiting(large.id, sum(queued.bytes for queued in several)),
        Waiting(small.id, one.bytes),
    ]


def test_nothing_waits_in_an_empty_queue(db: None) -> None:
    assert lease.waiting() == []


def test_parked_rows_do_not_wait_until_their_time_has_come(project: Project) -> None:
    queue(project, entry(), not_before=NOON)

    with clock.stopped_at(NOON - timedelta(seconds=1)):
        assert lease.waiting() == []
    with clock.stopped_at(NOON):
        assert [waiting.environment_id for waiting in lease.waiting()] == [project.id]


def test_the_bytes_of_a_long_queue_are_counted_up_to_a_limit(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = queue(project, entry()), queue(project, entry())
    queue(project, entry())
    monkeypatch.setattr(lease, "LOOK_AHEAD", 2)

    assert lease.waiting() == [Waiting(project.id, first.bytes + second.bytes)]


# ---- which rows


def test_rows_are_taken_oldest_first_and_marked(project: Project) -> None:
    rows = [queue(project, entry()) for _ in range(3)]
    with clock.stopped_at(NOON):
        leased = lease.take(project.id)

    assert leased.ids == [queued.id for queued in rows]
    assert [taken.attempts for taken in leased.rows] == [1, 1, 1]
    for queued in QueuedRequest.objects.filter(environment_id=project.id):
        assert (queued.lease, queued.leased_at, queued.attempts) == (leased.lease, NOON, 1)


def test_a_leased_row_comes_with_everything_that_is_needed(project: Project) -> None:
    queued = queue(project, entry(), entry(), isolated=True, poison=[1])

    (taken,) = lease.take(project.id).rows
    assert taken == (queued.id, NOON, 2, 1, True, [1], queued.payload, None)


@pytest.mark.parametrize(
    ("limit", "value", "taken"),
    [("BATCH_ROWS", 2, 2), ("BATCH_EVENTS", 5, 2), ("BATCH_EVENTS", 6, 3), ("BATCH_EVENTS", 1, 1)],
)
def test_a_batch_is_bounded_by_rows_and_events_but_holds_at_least_one_row(
    project: Project, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, taken: int
) -> None:
    monkeypatch.setattr(lease, limit, value)
    for _ in range(3):
        queue(project, entry(), entry())

    assert len(lease.take(project.id).rows) == taken


@pytest.mark.parametrize(("share", "taken"), [(0.5, 1), (1.5, 1), (2, 2), (2.9, 2)])
def test_a_batch_is_bounded_by_bytes(
    project: Project, monkeypatch: pytest.MonkeyPatch, share: float, taken: int
) -> None:
    sizes = {queue(project, payload=b"x" * 1000, events=1).bytes for _ in range(3)}
    assert sizes == {1000}
    monkeypatch.setattr(lease, "BATCH_BYTES", int(1000 * share))

    assert len(lease.take(project.id).rows) == taken


def packed(size: int) -> bytes:
    """Return a payload that expands to nearly this many bytes and compresses to very few."""
    return payload.pack(request(entry(properties={"blown up": "x" * size})))


def test_a_turn_is_bounded_by_what_its_payloads_expand_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPANDED_BYTES", 250_000)
    for _ in range(5):
        queue(project, payload=packed(100_000), events=1)
    now, later = lease.take(project.id).split()

    assert (len(now.rows), len(later.rows)) == (2, 3)
    assert {taken.lease for taken in (now, later)} == {now.lease}


def test_a_single_row_is_processed_however_large_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPANDED_BYTES", 1000)
    for _ in range(2):
        queue(project, payload=packed(100_000), events=1)
    now, later = lease.take(project.id).split()

    assert (len(now.rows), len(later.rows)) == (1, 1)


def test_what_is_no_payload_has_no_size(project: Project) -> None:
    queue(project, payload=b"rubbish", events=1)

    assert lease.take(project.id).split()[1].rows == []


def test_rows_that_are_given_back_are_as_before(project: Project) -> None:
    queue(project, entry())
    lease.give_back(lease.take(project.id))

    assert (row(project).attempts, row(project).lease, row(project).leased_at) == (0, None, None)


def test_parked_rows_and_other_projects_are_left(project: Project) -> None:
    queue(make_project("neighbour"), entry())
    queue(project, entry(), not_before=NOON + timedelta(seconds=1))
    now = queue(project, entry(), not_before=NOON)

    with clock.stopped_at(NOON):
        assert lease.take(project.id).ids == [now.id]


def test_rows_that_a_dead_worker_left_are_taken_at_once(project: Project) -> None:
    queue(project, entry())
    first = lease.take(project.id)
    second = lease.take(project.id)

    assert first.ids == second.ids
    assert (row(project).lease, row(project).attempts) == (second.lease, 2)


@pytest.mark.parametrize(
    ("attempts", "isolated", "alone"), [(0, False, False), (2, False, False), (3, False, True), (0, True, True)]
)
def test_a_row_is_processed_alone_after_its_batch_failed_or_three_workers_died(
    project: Project, attempts: int, isolated: bool, alone: bool
) -> None:
    queue(project, entry(), attempts=attempts, isolated=isolated)

    assert lease.take(project.id).rows[0].alone is alone


def test_attempts_stay_within_their_column(project: Project) -> None:
    queue(project, entry(), attempts=32_000)
    lease.take(project.id)

    assert row(project).attempts == 32_000


# ---- what becomes of them


def test_settled_rows_are_gone(project: Project) -> None:
    queue(project, entry())
    left = queue(project, entry(), not_before=NOON + timedelta(days=9000))
    lease.settle(lease.take(project.id))

    assert row(project).id == left.id


def test_rows_that_another_worker_has_taken_cannot_be_settled(project: Project) -> None:
    queue(project, entry())
    mine = lease.take(project.id)
    lease.take(project.id)

    with pytest.raises(LeaseLost, match="1 of 1 rows"):
        lease.settle(mine)


def test_rows_that_are_gone_cannot_be_settled_either(project: Project) -> None:
    queue(project, entry())
    queue(project, entry())
    mine = lease.take(project.id)
    QueuedRequest.objects.filter(environment_id=project.id, id=mine.ids[0]).delete()

    with pytest.raises(LeaseLost, match="1 of 2 rows"):
        lease.settle(mine)


def test_a_parked_row_waits_and_the_taking_does_not_count(project: Project) -> None:
    queue(project, entry())
    with clock.stopped_at(NOON):
        lease.park(lease.take(project.id), timedelta(seconds=5))

    assert (row(project).attempts, row(project).not_before) == (0, NOON + timedelta(seconds=5))


def test_a_row_that_is_parked_for_its_own_fault_keeps_count(project: Project) -> None:
    queue(project, entry())
    lease.park(lease.take(project.id), timedelta(seconds=5), is_attempt=True)

    assert row(project).attempts == 1


def test_marks_are_only_made_while_the_lease_stands(project: Project) -> None:
    queue(project, entry())
    mine = lease.take(project.id)
    lease.take(project.id)

    lease.isolate(mine)
    lease.poison(mine, 3)
    lease.park(mine, timedelta(seconds=5))

    assert (row(project).isolated, row(project).poison, row(project).not_before) == (False, [], None)


def test_marks_are_kept_for_the_next_worker(project: Project) -> None:
    queue(project, entry())
    mine = lease.take(project.id)
    lease.isolate(mine)
    lease.poison(mine, 3)
    lease.poison(mine, 0)

    (taken,) = lease.take(project.id).rows
    assert (taken.isolated, taken.poison) == (True, [3, 0])
