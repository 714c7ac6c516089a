"""A project whose events the tests process, and the database for the processes that they start."""

from __future__ import annotations

import os
import re

import pytest
from django.db import connection

from environments.models import Project
from tests.errortracking.pipeline.making import make_project


@pytest.fixture
def project(db: None) -> Project:
    """Return a new project."""
    return make_project()


@pytest.fixture
def children(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that the test starts find the database of the test."""
    url = re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{connection.settings_dict['NAME']}", os.environ["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", url)
