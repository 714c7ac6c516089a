"""What tests of symbol sets may use beside the fixtures of all tests."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.outbound.conftest import resolver, site

__all__ = ["fetching_on", "resolver", "site"]


@pytest.fixture
def fetching_on(settings: Settings) -> None:
    """Let maps be fetched, as servers do and tests do not (``tests/conftest.py``)."""
    settings.FETCH_SOURCE_MAPS = True
