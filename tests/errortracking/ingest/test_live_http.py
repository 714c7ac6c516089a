"""What only a real connection shows: chunks, HEAD, and what comes after a refused body."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from tests.errortracking.ingest.conftest import an_event
from tests.live import LiveServer, live_server

MEGABYTE = 1024 * 1024


class Edge:
    """A live server that takes requests and processes none, and one project of it."""

    def __init__(self, server: LiveServer) -> None:
        self.url = server.url
        self.token: str = server.bootstrap()["project_token"]
        self._database = server.database_url or ""

    def body(self) -> bytes:
        """Return a good request."""
        return json.dumps({"api_key": self.token, "batch": [an_event()]}).encode()

    def waiting(self) -> int:
        """Return how many requests wait in the queue."""
        with psycopg.connect(self._database) as connection:
            [(count,)] = connection.execute("SELECT count(*) FROM errortracking_queuedrequest").fetchall()
        return int(count)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Start it once for these tests."""
    with live_server(workers=0) as running:
        yield Edge(running)


def test_a_chunked_body_is_stored(edge: Edge) -> None:
    before = edge.waiting()
    body = edge.body()
    pieces = (body[at : at + 10] for at in range(0, len(body), 10))  # requests sends a generator in chunks
    response = requests.post(f"{edge.url}/batch/", data=pieces, timeout=30)
    assert (response.status_code, response.json()) == (200, {"status": "Ok"})
    assert edge.waiting() == before + 1


def test_a_chunked_body_beyond_the_limit_is_413(edge: Edge) -> None:
    before = edge.waiting()
    body = edge.body()
    pieces = (piece for piece in [body, *[b" " * MEGABYTE] * 3])
    response = requests.post(f"{edge.url}/e/", data=pieces, headers={"Origin": "https://app.example"}, timeout=30)
    assert (response.status_code, response.text) == (413, "the body is limited to 2097152 bytes")
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert edge.waiting() == before


@pytest.mark.parametrize("announced", [b"Content-Length: 34000000", b"Transfer-Encoding: chunked"])
def test_a_body_beyond_the_web_servers_own_limit_is_413_with_the_same_text_and_headers(
    edge: Edge, announced: bytes
) -> None:
    before = edge.waiting()
    where = urlsplit(edge.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        head = b"POST /batch/ HTTP/1.1\r\nHost: x\r\nOrigin: https://app.example\r\nX-Request-ID: mine\r\n"
        client.sendall(head + announced + b"\r\n\r\n")
        if b"chunked" in announced:
            client.sendall(b"%x\r\n" % (32 * MEGABYTE) + b" " * (32 * MEGABYTE - 20))
            client.sendall(b" " * 20 + b"\r\n")  # what stays unread would reset the connection under the answer
        with client.makefile("rb") as answer:
            text = answer.read()
    assert text.startswith(b"HTTP/1.1 413 ")
    assert text.endswith(b"\r\n\r\nthe body is limited to 20971520 bytes")
    assert b"Access-Control-Allow-Origin: https://app.example\r\n" in text
    assert b"X-Request-Id: mine\r\n" in text
    assert edge.waiting() == before


def test_the_connection_goes_on_after_a_refused_body(edge: Edge) -> None:
    with requests.Session() as session:
        assert session.post(f"{edge.url}/e/", data=b" " * (3 * MEGABYTE), timeout=30).status_code == 413
        assert session.post(f"{edge.url}/e/", data=b"{", timeout=30).status_code == 400
        assert session.post(f"{edge.url}/e/", data=edge.body(), timeout=30).status_code == 200


def test_a_head_has_no_body_and_stores_nothing(edge: Edge) -> None:
    before = edge.waiting()
    response = requests.head(f"{edge.url}/e/", timeout=30)
    assert (response.status_code, response.content) == (200, b"")
    assert edge.waiting() == before


def test_a_body_that_ends_early_stores_nothing(edge: Edge) -> None:
    before = edge.waiting()
    address = urlsplit(edge.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = b"POST /e/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head + edge.body())
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(1000)[:20]
    assert edge.waiting() == before
