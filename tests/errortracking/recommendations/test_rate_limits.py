"""Pipeline 4.1, `rate_limits`, and 2.11, which limit is in force."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import LazySettings

from environments.models import Project
from errortracking.models import ErrorTrackingSettings
from errortracking.models.rate_limits import per_issue_limit, project_limit
from errortracking.recommendations.types.rate_limits import TYPE, checklist
from runtime.bootstrap.places import CHECKOUT


@pytest.mark.parametrize(("value", "limited"), [(None, False), (0, False), (-1, False), (1, True), (2**31 - 1, True)])
def test_a_project_is_limited_by_a_value_above_zero(value: int | None, limited: bool) -> None:
    """4.1, rules: project: value > 0; 2.11: null → no limit."""
    assert project_limit(value) == (value if limited else None)


@pytest.mark.parametrize(
    ("value", "default", "limited"),
    [
        (None, 10_000, True),
        (None, 1, True),
        (None, 0, False),
        (None, -1, False),
        (1, 10_000, True),
        (1, 0, True),
        (1, -1, True),
        (0, 10_000, False),
    ],
)
def test_an_issue_is_limited_by_the_projects_value_or_the_default(
    value: int | None, default: int, limited: bool
) -> None:
    """2.11: per-issue null → deployment default, ≤ 0 = none; 0 = opted out. 4.1: effective limit exists."""
    in_force = default if value is None else value
    assert per_issue_limit(value, default) == (in_force if limited else None)


@pytest.mark.parametrize(
    ("values", "default", "enabled"),
    [
        (None, 10_000, [False, True]),
        (None, 0, [False, False]),
        ((None, None), 10_000, [False, True]),
        ((500, None), 10_000, [True, True]),
        ((500, None), 0, [True, False]),
        ((500, 20), -5, [True, True]),
        ((None, 20), 0, [False, True]),
    ],
)
def test_computed_from_the_settings_of_the_project(
    project: Project,
    stranger: object,
    settings: LazySettings,
    values: tuple[int | None, int | None] | None,
    default: int,
    enabled: list[bool],
) -> None:
    """3, meta: from the settings values being set. The settings of others do not count, nor do missing ones."""
    settings.DEFAULT_PER_ISSUE_RATE_LIMIT = default
    foreign = stranger.project  # type: ignore[attr-defined]
    ErrorTrackingSettings.objects.create(environment=foreign, project_rate_limit_value=1, per_issue_rate_limit_value=1)
    if values:
        ErrorTrackingSettings.objects.create(
            environment=project, project_rate_limit_value=values[0], per_issue_rate_limit_value=values[1]
        )
    assert TYPE.compute(project.pk) == {
        "rate_limits": [{"key": "project", "enabled": enabled[0]}, {"key": "per_issue", "enabled": enabled[1]}]
    }
    assert ErrorTrackingSettings.objects.filter(environment=project).count() == bool(values)


@pytest.mark.parametrize(
    ("meta", "completed"),
    [
        (checklist(1, 1, 0), True),
        (checklist(1, None, 10_000), True),
        (checklist(None, 1, 0), False),
        (checklist(1, None, 0), False),
        ({"rate_limits": []}, False),
        ({}, False),
    ],
)
def test_completed_when_there_are_limits_and_all_are_enabled(meta: dict[str, object], completed: bool) -> None:
    """3, completed: non-empty and all enabled."""
    assert TYPE.is_completed(meta) is completed


@pytest.mark.parametrize(("word", "value"), [(None, 10_000), ("", 10_000), ("250", 250), ("0", 0), ("-1", -1)])
def test_the_default_is_a_setting(word: str | None, value: int) -> None:
    """2.11: deployment default; 10 000 per 60 minutes, ≤ 0 = none."""
    name = "HEALTHTRACK_DEFAULT_PER_ISSUE_RATE_LIMIT"
    environment = {key: text for key, text in os.environ.items() if key != name} | ({name: word} if word else {})
    code = "from config import settings; print(settings.DEFAULT_PER_ISSUE_RATE_LIMIT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=environment, capture_output=True, check=True)
    assert int(done.stdout) == value
