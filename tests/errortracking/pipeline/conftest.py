"""A project whose events the tests process, and the database for the processes that they start."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.db import connection

from environments.models import Project
from errortracking.models import partitions
from errortracking.pipeline.alone import watch
from tests.errortracking.pipeline.alone import HOOK
from tests.errortracking.pipeline.making import NOON, make_project


@pytest.fixture
def project(db: None) -> Project:
    """Return a new project."""
    return make_project()


@pytest.fixture
def children(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that the test starts find the database of the test."""
    url = re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{connection.settings_dict['NAME']}", os.environ["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", url)


@pytest.fixture
def no_partitions(transactional_db: None) -> None:
    """Begin without the partitions that other tests have committed."""
    partitions.drop_before(date.max)


@pytest.fixture
def hooked(children: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start children through the hook, and make the partition of the events' day."""
    monkeypatch.setattr(watch, "COMMAND", [sys.executable, "-c", HOOK])
    partitions.ensure([NOON.date()])
    yield
    partitions.drop_before(NOON.date() + timedelta(days=1))
