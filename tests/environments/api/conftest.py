"""Fixtures of the API's tests."""

from __future__ import annotations

from tests.environments.world import stranger, world

__all__ = ["stranger", "world"]
