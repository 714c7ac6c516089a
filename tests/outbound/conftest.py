"""A web server that requests may reach, and names that resolve as told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from outbound.addresses import Allowed
from tests.outbound.web import Names, Web, resolving, web


@pytest.fixture
def site(settings: Settings) -> Iterator[Web]:
    """A server on 127.0.0.1, which the settings allow to be asked."""
    settings.ALLOWED_PRIVATE_HOSTS = Allowed.read(["127.0.0.1"])
    with web() as running:
        yield running


@pytest.fixture
def resolver() -> Iterator[Names]:
    """Names that resolve as the test says."""
    with resolving() as names:
        yield names
