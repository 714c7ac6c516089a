"""Every kind says all of what a kind must say."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType

import pytest
from django.urls import resolve
from procrastinate.contrib.django import app
from procrastinate.jobs import Job
from procrastinate.periodic import PeriodicRegistry

from healthtrack.checks import registry
from healthtrack.checks.registry import CHECKS


@pytest.mark.parametrize("kind", sorted(CHECKS))
def test_a_kind_tells_people_and_agents_what_to_do(kind: str) -> None:
    check = CHECKS[kind]
    assert 0 < len(check.kind) <= 100
    assert check.title
    assert resolve(check.link).app_name == "admin"
    assert len(check.remediation.human) > 40
    assert len(check.remediation.agent) > 40
    assert check.remediation.human != check.remediation.agent


def test_each_kind_runs_at_its_own_times() -> None:
    periodic: PeriodicRegistry = app.periodic_registry
    crons = {task.task.name: task.cron for task in periodic.periodic_tasks.values()}
    for kind, check in CHECKS.items():
        assert crons[f"healthtrack.check.{kind}"] == check.cron


@pytest.mark.parametrize("name", ["healthtrack.check", "healthtrack.check.sdk_outdated"])
def test_a_run_that_failed_is_tried_twice_more_after_30_and_60_seconds(name: str) -> None:
    """5.3: 3 tries, 30 s × 2."""
    strategy = app.tasks[name].retry_strategy
    assert strategy is not None
    waits = []
    for attempts in range(4):
        job = Job(id=1, queue="default", lock=None, queueing_lock=None, task_name=name, attempts=attempts)
        decision = strategy.get_retry_decision(exception=ValueError(), job=job)
        waits.append(decision and decision.retry_at and round((decision.retry_at - datetime.now(UTC)).total_seconds()))
    assert waits == [30, 60, None, None]


def test_two_files_cannot_give_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("twice")
    package.__path__ = []
    module = ModuleType("one")
    module.CHECK = CHECKS["set_aside_events"]  # type: ignore[attr-defined]
    names = [type("Module", (), {"name": name}) for name in ("a", "b")]
    monkeypatch.setattr("pkgutil.iter_modules", lambda *_: names)
    monkeypatch.setattr("importlib.import_module", lambda _: module)
    with pytest.raises(ValueError, match="two checks are of kind set_aside_events"):
        registry.load(package)
