"""A project of the live server for each test with a real SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sdk.tools import Project, install_node_packages


@pytest.fixture
def project(server: Any, request: pytest.FixtureRequest) -> Project:
    """Return a new project, with a key that may read it."""
    return Project(server.url, server.bootstrap(email=f"{request.node.name[:40]}@example.com", project="shop"))


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the real posthog-node installed."""
    return install_node_packages(tmp_path_factory.mktemp("node"))
