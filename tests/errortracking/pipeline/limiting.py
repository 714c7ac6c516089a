"""What the tests of the rate limits share: limits to set, events of few issues, and what became of them."""

from __future__ import annotations

from typing import Any

from environments.models import Project
from errortracking.models import ErrorTrackingSettings, Event, Issue, RateLimitBucket, payload
from errortracking.models.rate_limits import PROJECT_BUCKET
from tests.errortracking.pipeline.making import entry, exception, frame


def limits(project: Project, /, **values: int | None) -> None:
    """Set limits: ``project``, ``project_minutes``, ``issue``, ``issue_minutes``."""
    fields = {
        "project": "project_rate_limit_value",
        "project_minutes": "project_rate_limit_bucket_size_minutes",
        "issue": "per_issue_rate_limit_value",
        "issue_minutes": "per_issue_rate_limit_bucket_size_minutes",
    }
    ErrorTrackingSettings.objects.update_or_create(
        environment=project, defaults={fields[name]: value for name, value in values.items()}
    )


def of(name: str, count: int = 1) -> list[payload.EventEntry]:
    """Return events of one issue, which are known by its name."""
    return [entry(exception(name, frames=[frame(name)])) for _ in range(count)]


def stored(project: Project) -> dict[str, int]:
    """Return how many events of each issue are stored, for those issues that exist."""
    return {
        str(issue.name): Event.objects.filter(environment_id=project.id, fingerprint__issue_id=issue.id).count()
        for issue in Issue.objects.filter(environment_id=project.id).order_by("name")
    }


def bucket(project: Project, name: str | None = None) -> tuple[Any, ...]:
    """Return what is kept of the bucket of an issue, or of the project's: tokens, fraction, second."""
    id_ = Issue.objects.get(environment_id=project.id, name=name).id if name else PROJECT_BUCKET
    row = RateLimitBucket.objects.get(environment_id=project.id, id=id_)
    return row.tokens, row.fraction, row.at
