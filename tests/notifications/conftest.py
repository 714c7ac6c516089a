"""A project, and a receiver of webhooks that requests may reach."""

from __future__ import annotations

import pytest

from environments.models import Project
from tests.environments.world import stranger, world
from tests.errortracking.pipeline.making import make_project
from tests.outbound.conftest import site

__all__ = ["site", "stranger", "world"]  # fixtures


@pytest.fixture
def project(db: None) -> Project:
    """Return a new project."""
    return make_project()
