"""A project of a live server for each error of the shop; the real SDKs; a browser."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import browser
from tests.bundles.project import ShopProject
from tests.live import LiveServer, live_server
from tests.node import install

HERE = Path(__file__).parent
__all__ = ["browser"]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the real posthog-node and posthog-js installed, and the program that runs a bundle."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copy(HERE / "run.mjs", folder / "run.mjs")
    return install(HERE, folder)


@pytest.fixture
def project(server: LiveServer) -> ShopProject:
    """Return a new project of a server that fetches nothing."""
    return _project(server)


@pytest.fixture(scope="session")
def fetching_server() -> Iterator[LiveServer]:
    """A live server that may fetch scripts and maps from this machine, too."""
    with live_server(HEALTHTRACK_FETCH_SOURCE_MAPS="on", HEALTHTRACK_ALLOWED_PRIVATE_HOSTS="127.0.0.1") as running:
        yield running


@pytest.fixture
def fetching_project(fetching_server: LiveServer) -> ShopProject:
    """Return a new project of the server that may fetch."""
    return _project(fetching_server)


def _project(server: LiveServer) -> ShopProject:
    return ShopProject(server.url, server.bootstrap(email=f"{uuid.uuid4().hex[:12]}@example.com", project="shop"))
