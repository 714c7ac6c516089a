"""The buckets of the rate limits as rows: their clock, limits that change, what is written and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, transaction

from environments import clock
from environments.models import Project
from environments.tenancy import sql
from errortracking.models import Event, RateLimitBucket, partitions
from errortracking.models.rate_limits import PROJECT_BUCKET
from errortracking.pipeline import limit
from errortracking.pipeline.limit import limit_rates
from errortracking.pipeline.process import STAGES, process
from errortracking.pipeline.transient import is_transient
from tests.errortracking.pipeline.limiting import bucket, limits, of
from tests.errortracking.pipeline.making import NOON, batch, outcomes, send, turn
from tests.errortracking.pipeline.making import queue as enqueue

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _today(db: None) -> None:
    """Make the partition, which the worker sees to before a batch."""
    partitions.ensure([NOON.date()])


# ---- time


def test_the_clock_is_the_second_of_receipt_and_not_that_of_processing(project: Project) -> None:
    limits(project, issue=1, issue_minutes=1)
    with clock.stopped_at(NOON + timedelta(hours=9)):
        for seconds in (0.0, 59.999, 60.0, 60.999):
            send(project, *of("A"), received_at=NOON + timedelta(seconds=seconds))

    assert outcomes(project) == {"stored": 2, "rate_limited/issue": 2}


def test_a_batch_of_several_seconds_is_charged_second_by_second(project: Project) -> None:
    limits(project, issue=1, issue_minutes=1)
    for seconds in (0, 10, 60, 61, 120):
        enqueue(project, *of("A"), received_at=NOON + seconds * SECOND)
    assert turn(project)

    found = (
        Event.objects.filter(environment_id=project.id).order_by("received_at").values_list("received_at", flat=True)
    )
    assert [(at - NOON).seconds for at in found] == [0, 60, 120]


def test_a_batch_is_charged_in_the_order_of_arrival(project: Project) -> None:
    """The request of the later second stands first in the queue: another machine wrote it."""
    limits(project, issue=1, issue_minutes=1)
    for seconds in (60, 0):
        enqueue(project, *of("A"), received_at=NOON + seconds * SECOND)
    assert turn(project)

    assert outcomes(project) == {"stored": 2}


def test_an_earlier_second_in_a_later_batch_takes_no_time_away(project: Project) -> None:
    limits(project, issue=2, issue_minutes=1)
    for seconds in (100, 100, 0, 129, 130):
        send(project, *of("A"), received_at=NOON + seconds * SECOND)

    assert outcomes(project) == {"stored": 3, "rate_limited/issue": 2}
    assert bucket(project, "A") == (0, 0, NOON + 130 * SECOND)


# ---- limits that change


def test_a_raised_limit_takes_effect_at_once(project: Project) -> None:
    limits(project, issue=2)
    send(project, *of("A", 3))
    limits(project, issue=5)
    send(project, *of("A", 4))

    assert outcomes(project) == {"stored": 5, "rate_limited/issue": 2}


def test_a_lowered_limit_takes_effect_at_once(project: Project) -> None:
    limits(project, issue=100)
    send(project, *of("A"))
    limits(project, issue=2)
    send(project, *of("A", 4))

    assert outcomes(project) == {"stored": 3, "rate_limited/issue": 2}


def test_a_limit_taken_away_and_set_again_finds_its_bucket(project: Project, settings: LazySettings) -> None:
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = 0
    for value in (2, None, 2):
        limits(project, issue=value)
        send(project, *of("A", 3))

    assert outcomes(project) == {"stored": 5, "rate_limited/issue": 4}


# ---- state


def test_a_flood_writes_no_bucket(project: Project) -> None:
    limits(project, issue=1)
    send(project, *of("A", 2))
    for seconds in (1, 2, 3):
        send(project, *of("A", 3), received_at=NOON + seconds * SECOND)

    row = RateLimitBucket.objects.get(environment_id=project.id)
    assert (row.version, row.at) == (1, NOON)


def test_a_batch_that_is_rolled_back_has_charged_nothing(project: Project) -> None:
    limits(project, issue=5)
    send(project, *of("A"))
    with transaction.atomic():
        process(batch(project, *of("A", 4)))
        transaction.set_rollback(True)

    assert bucket(project, "A") == (4, 0, NOON)


def test_a_bucket_that_another_worker_has_just_made_is_not_overwritten(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one that passes: the batch is done again and finds the other's charge."""
    limits(project, project=5)
    read = limit._read

    def and_somebody_else_charges(environment_id: int, issues: Any) -> Any:
        state = read(environment_id, issues)
        RateLimitBucket.objects.create(
            environment_id=environment_id,
            id=PROJECT_BUCKET,
            at=NOON,
            tokens=1,
            fraction=0,
            value=5,
            minutes=60,
            version=1,
        )
        return state

    with monkeypatch.context() as patched:
        patched.setattr(limit, "_read", and_somebody_else_charges)
        with pytest.raises(OperationalError) as caught:
            process(batch(project, *of("A")))
    assert is_transient(caught.value)
    assert bucket(project)[0] == 1


# ---- cost


class Statements:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        execute = sql.Cursor.execute

        def counted(cursor: sql.Cursor, *arguments: Any, **options: Any) -> Any:
            self.count += 1
            return execute(cursor, *arguments, **options)

        monkeypatch.setattr(sql.Cursor, "execute", counted)


@pytest.mark.parametrize(
    ("issue", "project_value", "statements"),
    [(0, None, 1), (1000, None, 2), (1000, 1000, 2), (1, None, 3), (1000, 1, 3)],
    ids=["no limit", "limits far away", "both far away", "issues over theirs", "over the project's"],
)
def test_few_statements_however_many_issues_there_are(
    project: Project, monkeypatch: pytest.MonkeyPatch, issue: int, project_value: int | None, statements: int
) -> None:
    limits(project, issue=issue, project=project_value)
    work = batch(project, *[one for number in range(20) for one in of(f"E{number}", 2)])
    counted = Statements(monkeypatch)
    for stage in STAGES[: STAGES.index(limit_rates)]:
        stage(work)
    before = counted.count
    limit_rates(work)

    assert counted.count - before == statements
