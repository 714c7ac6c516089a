"""Settings of an object store that cannot work stop the command, and say which they are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.object_store import check
from runtime.bootstrap.places import CHECKOUT


@pytest.mark.parametrize(
    "endpoint",
    ["", "https://minio.example.com", "http://minio:9000", "http://[::1]:9000/", "https://example.com/below/a/path"],
)
def test_a_bucket_may_be_anywhere(endpoint: str) -> None:
    check("symbols", endpoint, "id", "secret")
    check("symbols", endpoint, "", "")


@pytest.mark.parametrize("endpoint", ["minio:9000", "s3://bucket", "https://", "https://host:port", "https://host?a=b"])
def test_an_endpoint_is_an_address(endpoint: str) -> None:
    with pytest.raises(ValueError, match="HEALTHTRACK_S3_ENDPOINT must be an address"):
        check("symbols", endpoint, "id", "secret")


@pytest.mark.parametrize("keys", [("id", ""), ("", "s3cr3t")])
def test_the_keys_belong_together(keys: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="belong together") as caught:
        check("symbols", "", *keys)
    assert "s3cr3t" not in str(caught.value)


def test_an_endpoint_alone_keeps_nothing() -> None:
    with pytest.raises(ValueError, match="HEALTHTRACK_S3_ENDPOINT needs HEALTHTRACK_S3_BUCKET"):
        check("", "https://minio.example.com", "", "")
    check("", "", "", "")


def test_the_settings_ask() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=CHECKOUT,
        env={**os.environ, "HEALTHTRACK_S3_BUCKET": "symbols", "HEALTHTRACK_S3_ENDPOINT": "minio:9000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "HEALTHTRACK_S3_ENDPOINT must be an address" in done.stderr
