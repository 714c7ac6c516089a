"""The places where symbol sets' data can lie, for the tests: the database, and an object store in a process of its own.

Fixtures: `object_store` (an empty bucket), `stored` (each place in turn) and `a_project`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypedDict

import boto3
import pytest
import requests

from environments.models import Project
from errortracking.symbols import storage as storages
from errortracking.symbols.storage import Storage
from errortracking.symbols.storage.database import DatabaseStorage
from tests.environments.world import make_world

ACCESS_KEY = "AKIAEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_numbers = count(1)


class Variables(TypedDict):
    """What leads a server to an object store."""

    HEALTHTRACK_S3_BUCKET: str
    HEALTHTRACK_S3_ENDPOINT: str
    HEALTHTRACK_S3_ACCESS_KEY: str
    HEALTHTRACK_S3_SECRET_KEY: str


@dataclass(frozen=True)
class Bucket:
    """A bucket of moto's server, and a client that is not the one under test."""

    url: str
    name: str
    client: Any

    def names(self) -> list[str]:
        """Return the names of all its objects."""
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def environment(self) -> Variables:
        """Return the variables that lead a server to it."""
        return {
            "HEALTHTRACK_S3_BUCKET": self.name,
            "HEALTHTRACK_S3_ENDPOINT": self.url,
            "HEALTHTRACK_S3_ACCESS_KEY": ACCESS_KEY,
            "HEALTHTRACK_S3_SECRET_KEY": SECRET_KEY,
        }


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run moto's server and yield its address."""
    log: Path = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as out:
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield _address(log, process)
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"moto's server does not start:\n{log.read_text()}")


@pytest.fixture
def object_store(object_server: str, settings: Any) -> Iterator[Bucket]:
    """Yield a new bucket that the settings name."""
    session = boto3.session.Session(ACCESS_KEY, SECRET_KEY, region_name="us-east-1")
    bucket = Bucket(object_server, f"symbols-{next(_numbers)}", session.client("s3", endpoint_url=object_server))
    bucket.client.create_bucket(Bucket=bucket.name)
    settings.S3_BUCKET, settings.S3_ENDPOINT, settings.S3_REGION = bucket.name, object_server, "us-east-1"
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY, settings.S3_PREFIX = ACCESS_KEY, SECRET_KEY, ""
    storages.storage.cache_clear()
    yield bucket
    storages.storage.cache_clear()


@pytest.fixture(params=["database", "s3"])
def stored(request: pytest.FixtureRequest, db: None) -> Storage:
    """Return each place in turn; the settings name it, too."""
    if request.param == "database":
        assert isinstance(storages.storage(), DatabaseStorage)
    else:
        request.getfixturevalue("object_store")
    return storages.storage()


@pytest.fixture
def a_project(db: None) -> Project:
    """Return a new project."""
    return make_world().project


def send(form: storages.UploadForm, data: bytes, **more: Any) -> requests.Response:
    """Upload as posthog-cli does: all fields, then the part ``file``."""
    return requests.post(form.url, data=form.fields, files={"file": ("file", data)}, timeout=60, **more)
