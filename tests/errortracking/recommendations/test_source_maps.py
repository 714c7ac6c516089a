"""Pipeline 4.1, `source_maps`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments.models import Project
from errortracking.models import StackFrame
from errortracking.recommendations.types import source_maps
from errortracking.recommendations.types.source_maps import TYPE, summary
from tests.environments.world import World, statements
from tests.errortracking.recommendations.making import ago, make_frames


def counted(project: Project) -> tuple[int, int]:
    meta = TYPE.compute(project.pk)
    return meta["total_frames"], meta["unresolved_frames"]


def test_the_shape_of_meta(project: Project) -> None:
    """4.1, meta."""
    make_frames(project, 3)
    make_frames(project, 1, resolved=False)
    assert TYPE.compute(project.pk) == {
        "total_frames": 4,
        "unresolved_frames": 1,
        "unresolved_pct": 0.25,
        "threshold_pct": 0.3,
        "min_sample_frames": 20,
        "sample_frames": 2000,
        "lookback_hours": 24,
    }


def test_only_javascript_counts(project: Project) -> None:
    """4.1, rules: contents.lang = `javascript`."""
    make_frames(project, 2, resolved=False)
    others: tuple[Any, ...] = ({"lang": "python"}, {"lang": "JavaScript"}, {"lang": None}, {}, [], "javascript")
    for contents in others:
        make_frames(project, 1, contents=contents, resolved=False)
    assert counted(project) == (2, 2)


def test_only_the_last_24_hours_count(project: Project) -> None:
    """4.1, rules: of the last 24 h."""
    make_frames(project, 1, ago(hours=24))
    make_frames(project, 1, ago(hours=24) - timedelta(microseconds=1), resolved=False)
    make_frames(project, 1, ago(hours=1))
    assert counted(project) == (2, 0)


def test_only_the_newest_2000_rows_count(project: Project) -> None:
    """4.1, rules: the newest ≤ 2000 stack-frame rows."""
    make_frames(project, 5, ago(hours=3), resolved=False)
    make_frames(project, 1_998, ago(hours=2))
    assert counted(project) == (2_000, 2)
    make_frames(project, 1, ago(hours=1), resolved=False)
    make_frames(project, 50, ago(minutes=1), contents={"lang": "python"})
    assert counted(project) == (2_000, 2)
    make_frames(project, 2_000, ago(minutes=1), resolved=False)
    assert counted(project) == (2_000, 2_000)


def test_javascript_behind_very_many_rows_of_other_languages_is_not_looked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each computation is bounded, also where a project resolves millions of frames of another language in a day."""
    monkeypatch.setattr(source_maps, "LOOKED_AT", 50)
    make_frames(project, 30, ago(hours=3))
    make_frames(project, 40, ago(hours=2), contents={"lang": "python"})
    assert counted(project) == (10, 0)
    make_frames(project, 10, ago(hours=1), contents={"lang": "python"})
    assert counted(project) == (0, 0)


def test_rows_count_and_not_their_contents(project: Project) -> None:
    """4.1, rules: stack-frame **rows**: fifty rows may share one content."""
    make_frames(project, 50, resolved=False)
    assert counted(project) == (50, 50)
    assert StackFrame.objects.filter(environment=project).values("content").distinct().count() == 1


def test_frames_of_others_do_not_count(project: Project, stranger: World) -> None:
    make_frames(stranger.project, 30, resolved=False)
    assert counted(project) == (0, 0)


def test_it_is_one_statement(project: Project) -> None:
    make_frames(project, 30)
    with statements() as sent:
        TYPE.compute(project.pk)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("total", "unresolved", "share"),
    [(0, 0, 0.0), (1, 1, 1.0), (4, 1, 0.25), (2_000, 600, 0.3), (3, 0, 0.0), (2_000, 1, 0.0005)],
)
def test_the_share_is_a_number_from_0_to_1(total: int, unresolved: int, share: float) -> None:
    assert summary(total, unresolved)["unresolved_pct"] == share


@pytest.mark.parametrize(
    ("total", "unresolved", "completed"),
    [(0, 0, True), (19, 19, True), (20, 20, False), (20, 7, False), (20, 6, True), (2_000, 601, False)],
)
def test_completed_when_there_is_little_to_say_or_little_unresolved(
    total: int, unresolved: int, completed: bool
) -> None:
    """3, completed: total < 20 or pct ≤ threshold."""
    assert TYPE.is_completed(summary(total, unresolved)) is completed
