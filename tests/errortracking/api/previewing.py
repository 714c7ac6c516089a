"""What the tests of the preview of spikes share: a moment, stored counts, and how answers are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from environments import clock
from environments.models import Project
from errortracking.models import Fingerprint, Issue, SpikeCount, partitions
from tests.environments.world import Api, World, answer, error

NOW = datetime(2026, 11, 22, 12, 2, tzinfo=UTC)
DEFAULTS = {"snooze_duration_minutes": 10, "multiplier": 10, "threshold": 500}
NOTHING = {"config": DEFAULTS, "count": 0, "truncated": False, "spikes": []}


@pytest.fixture(autouse=True)
def now(db: None) -> Iterator[None]:
    partitions.ensure(date(2026, 11, day) for day in (1, 20, 21, 22))
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def api(world: World) -> Api:
    """A client of the preview, with a key that may only read."""
    return Api(world.project, world.key("error_tracking:read"), below="error_tracking/spike_detection_config/preview/")


def fingerprint(project: Project, issue: Issue | None = None, name: str = "KeyError") -> Fingerprint:
    issue = issue or Issue.objects.create(environment=project, name=name, description="stock")
    number = Fingerprint.objects.filter(environment_id=project.id).count()
    return Fingerprint.objects.create(
        environment=project, issue=issue, fingerprint=str(number), kind="v2", first_seen=NOW
    )


def came(of: Fingerprint, counts: dict[str, int]) -> None:
    """Store counts by ``day hour:minute`` of the bucket, in November 2026."""
    for text, count in counts.items():
        bucket = datetime.fromisoformat(f"2026-11-{text}:00+00:00")
        SpikeCount.objects.create(environment_id=of.environment_id, fingerprint_id=of.id, bucket=bucket, count=count)


def found(replay: dict[str, Any]) -> list[tuple[str, float, int]]:
    """Return (bucket, baseline, value) of the spikes in the order of the answer."""
    return [
        (spike["bucket"][8:16].replace("T", " "), spike["computed_baseline"], spike["current_bucket_value"])
        for spike in replay["spikes"]
    ]


def asked(api: Api, **body: Any) -> dict[str, Any]:
    status, shown = answer(api.post("", body))
    assert status == 200, shown
    return dict(shown)


def invalid(detail: str, attr: str | None, code: str = "invalid_input") -> tuple[int, Any]:
    """Return the answer to a wrong body."""
    return error(400, "validation_error", code, detail, attr)
