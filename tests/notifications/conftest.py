"""A project, and a receiver of webhooks that requests may reach."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from environments.models import Project
from tests.environments.world import stranger, world
from tests.errortracking.pipeline.making import make_project
from tests.outbound.conftest import site

__all__ = ["site", "stranger", "world"]  # fixtures


@pytest.fixture
def project(db: None) -> Project:
    """Return a new project."""
    return make_project()


@pytest.fixture(autouse=True)
def _(settings: Settings) -> None:
    """Let links begin with one address, wherever the tests run."""
    settings.SITE_URL = "http://127.0.0.1:8000"
