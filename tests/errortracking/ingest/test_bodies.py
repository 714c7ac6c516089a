"""Reading a body: never more than the route's limit, whatever the client declares."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from environments.models import Project
from errortracking.ingest.http import read_body
from errortracking.ingest.refusal import Refused
from tests.errortracking.ingest.conftest import TOKEN, an_event

MEGABYTE = 1024 * 1024


class Stream(BytesIO):
    """A body that remembers how much of it was asked for."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "a body must never be read without a bound"
        part = super().read(size)
        self.taken += len(part)
        return part


class Trickle(Stream):
    """A body that comes in small pieces."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 3))


def request(stream: Any, **environ: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/e/", "wsgi.input": stream, **environ}


def refusal_of(found: dict[str, Any], limit: int) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        read_body(found, limit)
    return refused.value.status, refused.value.text


def test_a_body_up_to_the_limit_is_read() -> None:
    assert read_body(request(Stream(b"x" * 10), CONTENT_LENGTH="10"), 10) == b"x" * 10


def test_a_declared_length_beyond_the_limit_is_413_and_nothing_is_read() -> None:
    stream = Stream(b"x" * 11)
    for length in ("11", "9" * 30, "9" * 5000):
        assert refusal_of(request(stream, CONTENT_LENGTH=length), 10) == (413, "the body is limited to 10 bytes")
    assert stream.taken == 0


def test_bytes_behind_the_declared_length_are_not_read() -> None:
    stream = Stream(b"x" * 1000)
    assert read_body(request(stream, CONTENT_LENGTH="5"), 10) == b"xxxxx"
    assert stream.taken == 5


def test_a_body_that_ends_early_is_400() -> None:
    assert refusal_of(request(Stream(b"x" * 4), CONTENT_LENGTH="5"), 10) == (
        400,
        "failed to decode request: the body ends early",
    )


def test_a_connection_that_breaks_is_400() -> None:
    class Broken(Stream):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("reset by peer")

    for environ in ({"CONTENT_LENGTH": "5"}, {"wsgi.input_terminated": True}):
        assert refusal_of(request(Broken(), **environ), 10)[0] == 400


def test_a_chunked_body_is_read_and_counted() -> None:
    assert read_body(request(Trickle(b"x" * 10), **{"wsgi.input_terminated": True}), 10) == b"x" * 10
    stream = Trickle(b"x" * 1000)
    assert refusal_of(request(stream, **{"wsgi.input_terminated": True}), 10)[0] == 413
    assert stream.taken == 11


def test_without_a_length_or_chunks_there_is_no_body() -> None:
    stream = Stream(b"x" * 10)
    assert read_body(request(stream), 10) == b""
    assert read_body(request(stream, CONTENT_LENGTH=""), 10) == b""
    assert read_body(request(stream, CONTENT_LENGTH="-5"), 10) == b""
    assert stream.taken == 0


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/e/", 2 * MEGABYTE), ("/capture/", 2 * MEGABYTE), ("/batch/", 20 * MEGABYTE), ("/s/", 25 * MEGABYTE)],
)
def test_each_route_has_its_limit(path: str, limit: int, client: Client, project: Project) -> None:
    body = json.dumps({"api_key": TOKEN, "batch": [an_event()]}).encode()
    fits = client.post(path, body.ljust(limit), content_type="application/json")
    assert fits.status_code == 200
    too_large = client.post(path, body.ljust(limit + 1), content_type="application/json")
    assert (too_large.status_code, too_large.content.decode()) == (413, f"the body is limited to {limit} bytes")


def test_a_bomb_is_413(client: Client, project: Project) -> None:
    bomb = gzip.compress(b"[" + b" " * (40 * MEGABYTE) + b"]")
    assert len(bomb) < 50_000
    response = client.post("/e/", bomb, content_type="text/plain")
    assert (response.status_code, response.content) == (413, b"the expanded body is limited to 26214400 bytes")


def test_a_stream_that_was_cut_is_400(client: Client, project: Project) -> None:
    body = gzip.compress(json.dumps(an_event(token=TOKEN)).encode())
    response = client.post("/e/", body[:-10], content_type="text/plain")
    assert (response.status_code, response.content) == (400, b"failed to decode request: the gzip data end early")
