"""The web server: slow clients hold up nobody, and a stop drops nothing that was accepted."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

SERVER = """
import socket, sys, time
from django.core.exceptions import RequestDataTooBig
from runtime.server import Server

def application(environ, start_response):
    try:
        body = environ["wsgi.input"].read()
    except RequestDataTooBig:
        start_response("413 Too Large", [])
        return [("refused by the application, length " + environ["CONTENT_LENGTH"]).encode()]
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(1)
    answer = {
        "/slow": b"slow", "/length": str(len(body)).encode(), "/address": environ["REMOTE_ADDR"].encode(),
        "/scheme": environ["wsgi.url_scheme"].encode(),
        "/forwarded": environ.get("HTTP_X_FORWARDED_FOR", "-").encode(),
    }.get(path, b"ok")
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]

Server(application, socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])).run()
print("drained", flush=True)
"""


class Web:
    """A listening socket of ours and one process that serves it."""

    def __init__(self, threads: int = 2, proxies: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self.listener.getsockname()[1]
        descriptor = self.listener.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(descriptor), str(threads), str(proxies)],
            pass_fds=(descriptor,),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.get("/") == "ok"

    def get(self, path: str, body: bytes | None = None, /, **headers: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def begin(self, length: int = 100) -> socket.socket:
        """Send a request of which the body stays away."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        client.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
        return client

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> str:
        return self.process.communicate(timeout=40)[0]


@pytest.fixture
def web() -> Iterator[Web]:
    with running() as server:
        yield server


class running:
    def __init__(self, **options: int) -> None:
        self._web = Web(**options)

    def __enter__(self) -> Web:
        return self._web

    def __exit__(self, *_: object) -> None:
        self._web.process.kill()
        self._web.process.communicate()
        self._web.listener.close()


def test_fifty_clients_that_send_nothing_more_hold_up_nobody(web: Web) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(web.begin())
        assert web.get("/") == "ok"


def test_every_request_in_flight_at_a_stop_is_answered_even_those_that_wait_for_a_thread(web: Web) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(web.get, "/slow") for _ in range(6)]  # 2 threads: the last pair waits for 2 seconds
        time.sleep(0.5)
        web.terminate()
        assert [answer.result() for answer in answers] == ["slow"] * 6
    assert web.wait() == "drained\n"


def test_a_body_that_is_still_coming_at_a_stop_is_waited_for(web: Web) -> None:
    with web.begin(length=3) as client:
        time.sleep(0.3)
        web.terminate()
        time.sleep(0.3)
        client.sendall(b"abc")
        with client.makefile("rb") as answer:  # which ends, because a server that stops closes its connections
            assert answer.read().endswith(b"\r\n\r\n3")
    assert web.wait() == "drained\n"


def test_a_body_that_never_comes_does_not_keep_a_server_from_stopping(web: Web) -> None:
    with web.begin(), web.begin():
        time.sleep(0.3)
        started = time.monotonic()
        web.terminate()
        assert web.wait() == "drained\n"
        assert time.monotonic() - started < 15  # below the time that answers in the making get


def test_a_kept_connection_is_closed_at_a_stop(web: Web) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"ok"
    web.terminate()
    assert web.wait() == "drained\n"
    connection.close()


def test_a_connection_made_before_the_stop_is_served(web: Web) -> None:
    os.kill(web.process.pid, signal.SIGSTOP)
    client = socket.create_connection(("127.0.0.1", web.port), timeout=20)  # in the kernel's queue, not accepted yet
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    web.terminate()
    os.kill(web.process.pid, signal.SIGCONT)
    with client, client.makefile("rb") as answer:
        assert answer.read().endswith(b"ok")
    assert web.wait() == "drained\n"


def test_the_socket_outlives_the_process_that_served_it(web: Web) -> None:
    web.process.kill()
    web.process.wait()
    with socket.create_connection(("127.0.0.1", web.port), timeout=5):
        pass  # the kernel takes the connection for whoever serves next


def test_a_large_body_arrives_whole_and_one_too_large_is_refused(web: Web) -> None:
    assert web.get("/length", b"x" * 3_000_000) == "3000000"
    with web.begin(length=33 * 1024 * 1024) as client, client.makefile("rb") as answer:
        text = answer.read()  # which ends: the rest of the body must not be taken for a request
    assert text.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in text
    assert text.endswith(b"refused by the application, length 34603008")


def test_the_head_and_the_body_of_an_answer_come_in_one_piece(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\nok")


def test_a_request_that_breaks_http_is_refused_in_the_shape_of_its_route(web: Web) -> None:
    def ask(path: str, broken: bytes = b"Content-Length: x") -> tuple[bytes, bytes]:
        with socket.create_connection(("127.0.0.1", web.port), timeout=20) as client:
            head = b"POST %s HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.example\r\nX-Request-ID: mine\r\n"
            client.sendall(head % path.encode() + broken + b"\r\n\r\n")
            with client.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
                return head, body

    head, body = ask("/api/environments/1/x/")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Type: application/json" in head
    assert b"X-Request-Id: mine" in head
    assert b"Access-Control-" not in head
    assert json.loads(body) == {
        "type": "invalid_request",
        "code": "bad_request",
        "detail": "The request cannot be read.",
        "attr": None,
    }
    head, body = ask("/batch/")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Access-Control-Allow-Origin: https://shop.example" in head
    assert b"X-Request-Id: mine" in head
    assert body == b"Bad Request: Content-Length is invalid\n"
    assert ask("/e/", b"Transfer-Encoding: gzip")[0].startswith(b"HTTP/1.1 501 ")


def test_what_a_client_says_of_its_address_is_not_believed(web: Web) -> None:
    headers = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"}
    assert web.get("/address", **headers) == "127.0.0.1"
    assert web.get("/scheme", **headers) == "http"
    assert web.get("/forwarded", **headers) == "-"


def test_behind_one_proxy_of_ours_its_word_counts_and_no_more() -> None:
    headers = {"X-Forwarded-For": "9.9.9.9, 8.8.8.8", "X-Forwarded-Proto": "https"}
    with running(proxies=1) as web:
        assert web.get("/address", **headers) == "8.8.8.8"
        assert web.get("/scheme", **headers) == "https"
