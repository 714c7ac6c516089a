"""What somebody sends who wants to bring the server down, at a live server: refused or kept, and never its end."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import brotli
import pytest
import requests
import zstandard

from tests.live import LiveServer, live_server

MEGABYTE = 1_048_576
ZEROS = b'{"a":"' + bytes(60 * MEGABYTE).replace(b"\0", b"0") + b'"}'
# Of the web process, above what it takes when idle: a request may expand to 25 MB, of which Python makes ten times as
# much at worst, and eight threads are at work.
MEMORY_MB = 600

Codec = Callable[[bytes], bytes]
CODECS: dict[str, Codec] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.fixture(scope="module")
def token(server: LiveServer) -> str:
    made: dict[str, Any] = server.bootstrap(project=f"hostile {uuid4()}")
    return str(made["project_token"])


def post(server: LiveServer, body: bytes, **headers: str) -> requests.Response:
    return requests.post(
        f"{server.url}/batch/", body, headers={"Content-Type": "application/json", **headers}, timeout=60
    )


def event(**properties: Any) -> dict[str, Any]:
    return {"event": "$exception", "distinct_id": "mallory", "uuid": str(uuid4()), "properties": properties}


@pytest.mark.parametrize("encoding", CODECS)
def test_a_bomb_in_any_encoding_is_413(server: LiveServer, encoding: str) -> None:
    answer = post(server, CODECS[encoding](ZEROS), **{"Content-Encoding": encoding})
    assert (answer.status_code, answer.text) == (413, "the expanded body is limited to 26214400 bytes")


def test_a_bomb_in_base64_in_a_bomb_is_refused(server: LiveServer) -> None:
    body = gzip.compress(base64.b64encode(gzip.compress(ZEROS)))
    assert post(server, body, **{"Content-Encoding": "gzip"}).status_code == 413


@pytest.mark.parametrize("encoding", CODECS)
def test_half_a_stream_in_any_encoding_is_400(server: LiveServer, token: str, encoding: str) -> None:
    body = CODECS[encoding](json.dumps({"api_key": token, "batch": [event(a="x" * 1_000)]}).encode())
    answer = post(server, body[: len(body) // 2], **{"Content-Encoding": encoding})
    assert answer.status_code == 400
    assert answer.text.startswith("failed to decode request: ")


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_a_million_brackets_are_refused(server: LiveServer, bracket: bytes) -> None:
    assert post(server, bracket * 1_000_000).status_code in (400, 401)


def test_nesting_and_huge_numbers_inside_an_event_are_kept(server: LiveServer, token: str) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    number = "9" * 100_000
    text = json.dumps({"api_key": token, "batch": [event(deep="DEEP", number="NUMBER")]})
    body = text.replace('"DEEP"', deep).replace('"NUMBER"', number)
    assert post(server, body.encode()).status_code == 200


def test_all_at_once_leave_the_server_alive_small_and_at_work() -> None:
    with live_server() as server:
        token = server.bootstrap()["project_token"]
        web = server.pids("web")
        small = b'{"api_key":"%s","batch":[%s]}' % (
            token.encode(),
            b",".join([json.dumps(event(a=[{}] * 200)).encode()] * 1_500),
        )
        bodies = [(CODECS[name](ZEROS), name) for name in CODECS] * 4 + [(gzip.compress(small), "gzip")] * 8
        with ThreadPoolExecutor(8) as pool:
            codes = list(
                pool.map(lambda sent: post(server, sent[0], **{"Content-Encoding": sent[1]}).status_code, bodies)
            )
        assert codes == [413] * 16 + [200] * 8
        assert server.pids("web") == web
        assert _peak_mb(web[0]) < MEMORY_MB
        body = json.dumps({"api_key": token, "batch": [event()]}).encode()
        assert post(server, body).status_code == 200


def _peak_mb(pid: int) -> float:
    """Return the most memory that a process has ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
