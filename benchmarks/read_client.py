"""The client of `benchmarks/read.py`: several kept connections, each with one request under way, many keys in turn.

One thread and bare sockets, so that the client costs little beside what it measures.
"""

from __future__ import annotations

import itertools
import re
import selectors
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

HOST = "benchmark.example.com"
"""What every request names as its host: the links of the answers would differ by the port."""
PATIENCE = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Round(NamedTuple):
    """What came of some seconds of asking."""

    seconds: float
    latencies: list[float]
    """Seconds of each request, from its sending to the last byte of its answer."""
    bodies: set[bytes]
    """The different bodies of the answers."""


class WrongAnswer(Exception):
    """An answer that is no 200, or none at all."""


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._wanted = 0
        self.since = 0.0

    def send(self, request: bytes) -> None:
        self._buffer, self._wanted = bytearray(), 0
        self.since = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Take what has come; return the body once it is whole."""
        data = self.socket.recv(1 << 20)
        if not data:
            raise WrongAnswer("the server closed the connection")
        self._buffer += data
        if not self._wanted:
            if (end := self._buffer.find(b"\r\n\r\n")) < 0:
                return None
            head = bytes(self._buffer[: end + 2])
            length = _LENGTH.search(head)
            if not head.startswith(b"HTTP/1.1 200 ") or length is None:
                raise WrongAnswer(bytes(self._buffer[:2000]).decode(errors="replace"))
            self._body, self._wanted = end + 4, end + 4 + int(length[1])
        return bytes(self._buffer[self._body :]) if len(self._buffer) >= self._wanted else None


class Client:
    """Asks one server."""

    def __init__(self, port: int, keys: list[str], connections: int) -> None:
        self._connections = [_Connection(port) for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._keys = itertools.cycle(keys)

    def ask(self, path: str, seconds: float) -> Round:
        """Ask for ``path`` as fast as the answers come, for so long; raise `WrongAnswer` at anything but a 200."""
        requests = self._requests(path)
        latencies: list[float] = []
        bodies: set[bytes] = set()
        last = b""
        for connection in self._connections:
            connection.send(next(requests))
        started = now = time.perf_counter()
        busy = len(self._connections)
        while busy:
            events = self._selector.select(PATIENCE)
            if not events:
                raise WrongAnswer(f"no answer within {PATIENCE:g} s")
            for event, _ in events:
                connection = event.data
                body = connection.receive()
                if body is None:
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.since)
                if body != last:
                    bodies.add(body)
                    last = body
                if now - started < seconds:
                    connection.send(next(requests))
                else:
                    busy -= 1
        return Round(now - started, latencies, bodies)

    def _requests(self, path: str) -> Iterator[bytes]:
        for key in self._keys:
            lines = (f"GET {path} HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {key}", "Accept: */*", "", "")
            yield "\r\n".join(lines).encode()
