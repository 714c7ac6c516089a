"""Sends prepared requests as fast as they are answered, over a few connections that stay open.

Written to sockets directly: a client library would take as much CPU as the server, on the same machine.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit


class Refused(Exception):
    """An answer other than 200."""


def prepare(url: str, bodies: Sequence[bytes], *, gzip: bool = False) -> list[bytes]:
    """Return whole HTTP requests to ``/batch/`` as posthog-python writes them."""
    host = urlsplit(url).netloc
    encoding = "Content-Encoding: gzip\r\n" if gzip else ""
    head = (
        f"POST /batch/ HTTP/1.1\r\nHost: {host}\r\nUser-Agent: posthog-python/7.91.1\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\n{encoding}Content-Length: "
    )
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


def send(url: str, requests: Sequence[bytes], clients: int) -> list[float]:
    """Send all requests by ``clients`` connections, each waiting for its answer before the next; return the latencies.

    In seconds, in no order. Raises `Refused` where an answer is not 200.
    """
    target = urlsplit(url)
    shares = [requests[number::clients] for number in range(clients)]
    latencies: list[float] = []
    failures: list[Exception] = []

    def work(share: Sequence[bytes]) -> None:
        mine = []
        try:
            with socket.create_connection((target.hostname, target.port or 80)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for request in share:
                    started = time.perf_counter()
                    connection.sendall(request)
                    _answer(connection)
                    mine.append(time.perf_counter() - started)
        except Exception as error:
            failures.append(error)
        latencies.extend(mine)

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return latencies


def _answer(connection: socket.socket) -> None:
    """Read one short answer: head and body, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65_536)
        if not part:
            raise Refused("the connection was closed")
        received += part
    head, _, rest = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise Refused(head.decode("latin-1") + rest.decode("latin-1"))
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65_536)
