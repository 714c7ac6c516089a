"""A project with something of everything that the API shows, for the tests that walk over all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from environments.models import Project
from errortracking.models import ErrorTrackingSettings, Issue, Recommendation, SpikeDetectionConfig, SpikeEvent
from errortracking.recommendations.registry import TYPES
from tests.errortracking.api.making import CONTEXT, make_frame, make_release, make_symbol_set
from tests.healthtrack.api.making import make_issue as make_health_issue
from tests.healthtrack.api.making import make_resolved

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def furnish(project: Project, count: int = 1) -> dict[str, list[str]]:
    """Make ``count`` of each kind, and return what paths, bodies and filters may call them, by kind."""
    found: dict[str, list[str]] = {
        name: []
        for name in ("release", "hash", "symbol_set", "frame", "raw_id", "issue", "spike_event", "health_issue")
    }
    ErrorTrackingSettings.objects.create(environment=project, project_rate_limit_value=77)
    SpikeDetectionConfig.objects.create(environment=project, threshold=77)
    recommendations = [
        Recommendation.objects.create(environment=project, type=name, computed_at=MOMENT, dismissed_at=MOMENT)
        for name in TYPES
    ]
    for number in range(count):
        release = make_release(project, metadata={"git": {"branch": "main"}} if number % 2 else None)
        symbol_set = make_symbol_set(project, release=release)
        frame = make_frame(project, part=number, symbol_set=symbol_set if number % 2 == 0 else None, context=CONTEXT)
        issue = Issue.objects.create(environment=project, name="KeyError" if number % 2 else None)
        spike = SpikeEvent.objects.create(
            environment=project, issue=issue, detected_at=MOMENT, computed_baseline=1.5, current_bucket_value=700
        )
        health_issue = (make_resolved if number % 5 == 4 else make_health_issue)(project)
        found["release"].append(str(release.id))
        found["hash"].append(release.hash_id)
        found["symbol_set"].append(str(symbol_set.id))
        found["frame"].append(str(frame.id))
        found["raw_id"].append(f"{frame.raw_id}/{frame.part}")
        found["issue"].append(str(issue.id))
        found["spike_event"].append(str(spike.id))
        found["health_issue"].append(str(health_issue.id))
    return found | {"recommendation": [str(row.id) for row in recommendations]}


def furnish_as_json(project_id: int, count: int) -> None:
    """Do it in another process, such as ``manage.py shell``, and print the names as a line of JSON."""
    print(json.dumps(furnish(Project.objects.get(pk=project_id), count)))
