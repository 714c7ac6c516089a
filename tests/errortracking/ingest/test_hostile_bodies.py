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
import psycopg
import pytest
import requests
import zstandard

from tests.errortracking.ingest.lz import bomb_in_base64
from tests.live import LiveServer, live_server

MEGABYTE = 1_048_576
ZEROS = b'{"a":"' + bytes(60 * MEGABYTE).replace(b"\0", b"0") + b'"}'
# What the processes may take at most, when eight threads each work on the worst that is allowed: 25 MB of text, or two
# million values. 1,340 and 370 MB were measured.
WEB_MB = 2_000
WORKER_MB = 600

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


def test_a_bomb_of_lz_string_is_413(server: LiveServer) -> None:
    body = bomb_in_base64(60 * MEGABYTE)
    assert len(body) < 60_000
    answer = requests.post(f"{server.url}/e/?compression=lz64", body, timeout=60)
    assert (answer.status_code, answer.text) == (413, "the expanded body is limited to 26214400 bytes")


@pytest.mark.parametrize("value", ["[]", "{}", '{"a":1}'])
def test_a_bomb_of_values_is_413(server: LiveServer, token: str, value: str) -> None:
    """A hundred kilobytes that expand to what is allowed, and would take hundreds of megabytes as Python's objects."""
    body = gzip.compress(values(token, value, 24 * MEGABYTE))
    assert len(body) < 200_000
    answer = post(server, body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.text) == (413, "a request is limited to 2000000 values")


def values(token: str, value: str, size: int) -> bytes:
    """Return a request of one event with as many times ``value`` as fit into ``size`` bytes."""
    text = json.dumps({"api_key": token, "batch": [event(a="VALUES")]})
    return text.replace('"VALUES"', "[" + ",".join([value] * (size // (len(value) + 1))) + "]").encode()


def exceptions(token: str) -> bytes:
    """Return 24 MB of exceptions with as many frames as a list may have, each with a variable, and more."""
    frames = [
        {"platform": "python", "filename": f"a{n}.py", "function": f"f{n}", "lineno": n, "code_variables": {"a": "1"}}
        for n in range(300)
    ]
    listed = [{"type": "E", "value": "v", "stacktrace": {"type": "raw", "frames": frames}}] * 60
    whole = [event(**{"$exception_list": listed})]
    return json.dumps({"api_key": token, "batch": whole * 9}).encode()


def test_all_at_once_leave_the_server_alive_small_and_at_work() -> None:
    with live_server() as server:
        token = server.bootstrap()["project_token"]
        web, worker = server.pids("web"), server.pids("worker")
        largest = [
            values(token, '{"a":1}', 8 * 990_000),  # as many values as a request may hold, in the costliest form
            json.dumps({"api_key": token, "batch": [event(a="🎉" * 6_000_000)]}, ensure_ascii=False).encode(),
            exceptions(token),
        ]
        bodies = [(CODECS[name](ZEROS), name) for name in CODECS] * 4
        bodies += [(gzip.compress(body, 1), "gzip") for body in largest * 3]
        with ThreadPoolExecutor(8) as pool:
            codes = list(
                pool.map(lambda sent: post(server, sent[0], **{"Content-Encoding": sent[1]}).status_code, bodies)
            )
        assert codes == [413] * 16 + [200] * 9
        server.until(lambda: not _waiting(server))
        assert (server.pids("web"), server.pids("worker")) == (web, worker)
        assert _peak_mb(web[0]) < WEB_MB
        assert _peak_mb(worker[0]) < WORKER_MB
        body = json.dumps({"api_key": token, "batch": [event()]}).encode()
        assert post(server, body).status_code == 200


def _waiting(server: LiveServer) -> int:
    with psycopg.connect(server.database_url or "") as database:
        [(count,)] = database.execute("SELECT count(*) FROM errortracking_queuedrequest").fetchall()
    return int(count)


def _peak_mb(pid: int) -> float:
    """Return the most memory that a process has ever had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
