"""Fixtures of the API's tests."""

from __future__ import annotations

import pytest

from tests.environments.world import Api, World, stranger, world

__all__ = ["issues", "stranger", "world"]


@pytest.fixture
def issues(world: World) -> Api:
    """A client with every scope, at the health issues."""
    return Api(world.project, world.key("*"), below="health_issues/")
