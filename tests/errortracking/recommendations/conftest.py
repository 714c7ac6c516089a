"""Fixtures of the tests of recommendations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from environments.models import Project
from tests.environments.world import make_world, stranger, world
from tests.errortracking.recommendations.making import NOW, at, forget_jobs

__all__ = ["stranger", "world"]


@pytest.fixture
def project(db: None) -> Iterator[Project]:
    """A new project; the clock stands at `NOW`."""
    with at(NOW):
        yield make_world().project


@pytest.fixture
def no_jobs_left(transactional_db: None) -> Iterator[None]:
    """Delete the jobs of a test with real transactions."""
    yield
    forget_jobs()
