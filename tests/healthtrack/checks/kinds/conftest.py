"""Fixtures of the kinds' tests."""

from __future__ import annotations

from tests.environments.world import stranger, world

__all__ = ["stranger", "world"]
