"""Fixtures of error tracking's API tests."""

from __future__ import annotations

import pytest

from tests.environments.world import Api, World, stranger, world

__all__ = ["stranger", "world"]


@pytest.fixture
def frames(world: World) -> Api:
    """A client of the project's stack frames."""
    return Api(world.project, world.key("*"), below="error_tracking/stack_frames/")


@pytest.fixture
def releases(world: World) -> Api:
    """A client of the project's releases."""
    return Api(world.project, world.key("*"), below="error_tracking/releases/")


@pytest.fixture
def recommendations(world: World) -> Api:
    """A client of the project's recommendations."""
    return Api(world.project, world.key("*"), below="error_tracking/recommendations/")
