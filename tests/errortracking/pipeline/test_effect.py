"""A batch's effect: all of it or nothing, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps

from environments.models import Project
from environments.tenancy.models import ProjectRow
from errortracking.models import QueuedRequest, partitions
from errortracking.pipeline import effect, lease, metrics, process
from errortracking.pipeline.batch import Batch
from tests.errortracking.pipeline.making import (
    NOON,
    entry,
    exception,
    make_project,
    other,
    outcomes,
    queue,
    send,
    waiting,
)


@pytest.fixture(autouse=True)
def _today(db: None) -> None:
    """Make the partition, which the worker sees to before a batch."""
    partitions.ensure([NOON.date()])


WRITTEN = {
    "DailyTally",
    "Event",
    "EventLedger",
    "EventCount",
    "Fingerprint",
    "FingerprintSDK",
    "FingerprintStatistics",
    "FingerprintText",
    "FingerprintUser",
    "FrameContent",
    "Issue",
    "IssueStatistics",
    "OutcomeCount",
    "RateLimitBucket",
    "SpikeCount",
    "StackFrame",
    "TrafficCount",
}


def written(project: Project) -> dict[str, int]:
    """Return how many rows the project has in each table, the queue aside and empty ones left out."""
    counts = {
        model.__name__: model._base_manager.filter(environment_id=project.id).count()
        for model in apps.get_app_config("errortracking").get_models()
        if issubclass(model, ProjectRow) and model is not QueuedRequest
    }
    return {name: count for name, count in counts.items() if count}


def test_a_batch_writes_all_its_tables_and_its_rows_are_gone(project: Project) -> None:
    queue(project, entry(), other())
    effect.apply(lease.take(project.id))

    assert set(written(project)) == WRITTEN
    assert waiting(project) == 0


def test_several_requests_are_one_batch(project: Project) -> None:
    queue(project, entry(), received_at=NOON)
    queue(project, entry(), other(), received_at=NOON + timedelta(seconds=1))
    effect.apply(lease.take(project.id))

    assert outcomes(project) == {"stored": 2, "counted": 1}


@pytest.mark.parametrize("stage", range(len(process.STAGES) + 1), ids=[*(s.__name__ for s in process.STAGES), "settle"])
def test_an_error_after_any_stage_leaves_nothing_behind(
    project: Project, monkeypatch: pytest.MonkeyPatch, stage: int
) -> None:
    def fail(batch: Batch) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(process, "STAGES", (*process.STAGES[:stage], fail, *process.STAGES[stage:]))
    queue(project, entry(), other())

    with pytest.raises(ZeroDivisionError):
        effect.apply(lease.take(project.id))
    assert written(project) == {}
    assert waiting(project) == 1


def test_the_effect_of_a_worker_that_lost_its_lease_is_rolled_back(project: Project) -> None:
    queue(project, entry(), other())
    slow = lease.take(project.id)
    quick = lease.take(project.id)

    with pytest.raises(lease.LeaseLost):
        effect.apply(slow)
    assert written(project) == {}

    effect.apply(quick)
    with pytest.raises(lease.LeaseLost):
        effect.apply(slow)
    assert outcomes(project) == {"stored": 1, "counted": 1}


def test_events_of_a_deleted_project_are_dropped_and_counted(project: Project) -> None:
    dropped = metrics.DROPPED._value.get()
    queue(project, entry(), entry())
    leased = lease.take(project.id)
    project.delete()

    effect.apply(leased)

    assert waiting(Project(id=leased.environment_id)) == 0
    assert metrics.DROPPED._value.get() == dropped + 2


def test_committed_outcomes_and_bytes_are_told_to_prometheus(project: Project) -> None:
    stored, size = metrics.EVENTS.labels("stored")._value, metrics.BATCH_BYTES._value
    before = stored.get(), size.get()
    queued = queue(project, entry(), entry())
    effect.apply(lease.take(project.id))

    assert (stored.get() - before[0], size.get() - before[1]) == (2, queued.bytes)


def test_what_is_not_committed_is_not_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = metrics.EVENTS.labels("stored")._value.get()
    queue(project, entry())
    leased = lease.take(project.id)
    lease.take(project.id)

    with pytest.raises(lease.LeaseLost):
        effect.apply(leased)
    assert metrics.EVENTS.labels("stored")._value.get() == before


def test_one_by_one_and_together_have_the_same_effect(project: Project) -> None:
    together = make_project("together")

    def some() -> list[object]:
        return [
            entry(
                exception("ValueError", f"order {number % 3}"),
                exception("KeyError", frames=[]),
                distinct_id=str(number % 4),
            )
            for number in range(12)
        ]

    events = some()
    for event in events:
        send(project, event)  # type: ignore[arg-type]
    send(together, *events)  # type: ignore[arg-type]

    assert written(project) == written(together)
    assert outcomes(project) == outcomes(together) == {"stored": 12}
