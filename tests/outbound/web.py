"""Web servers on real sockets that answer byte for byte what a test says, and names that resolve as told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme

from outbound import names


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[Asked], Iterable[bytes]]


@dataclass
class Web:
    """A running server. ``pages`` maps targets to what is sent for them; everything else is a 404."""

    port: int
    scheme: str = "http"
    pages: dict[str, Answering | bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address without a slash at the end."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        """Method and target of each request, in order."""
        return [f"{asked.method} {asked.target}" for asked in self.asked]

    def answer(self, asked: Asked) -> Iterable[bytes]:
        """Return the pieces to send."""
        self.asked.append(asked)
        page = self.pages.get(asked.target, ok(b"not here", status="404 Not Found"))
        return [page] if isinstance(page, bytes) else page(asked)


def ok(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer; keyword arguments are headers, with ``_`` for ``-``."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


def redirect(location: str, status: str = "302 Found", body: bytes = b"") -> bytes:
    """Return an answer that leads elsewhere."""
    return ok(body, status=status, Location=location)


def dripping(*pieces: bytes, seconds: float) -> Answering:
    """Send ``pieces`` one by one with pauses, for as long as somebody listens."""

    def answer(_: Asked) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            time.sleep(seconds)

    return answer


@contextmanager
def web(certificate: trustme.LeafCert | None = None) -> Iterator[Web]:
    """Yield a server on 127.0.0.1, with TLS where there is a certificate."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = Web(listener.getsockname()[1], "https" if context else "http")
        threading.Thread(target=_accept, args=(listener, served, context), daemon=True).start()
        try:
            yield served
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, served: Web, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, served, context), daemon=True).start()


def _serve(connection: socket.socket, served: Web, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):  # whoever asked may have gone
        connection.settimeout(20)
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            line = stream.readline()
            if b" HTTP/" in line:
                for piece in served.answer(_read(line, stream)):
                    connection.sendall(piece)


def _read(line: bytes, stream: Any) -> Asked:
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (header := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target, headers, stream.read(int(headers.get("content-length", 0))))


class Names:
    """A resolver under the test's control: ``names["cdn.test"] = [["127.0.0.1"], ["10.0.0.1"]]`` resolves to the one
    at the first question and to the other at all later ones. Other names do not exist; addresses stay themselves."""

    def __init__(self) -> None:
        self.told: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    def __setitem__(self, name: str, answers: list[list[str]]) -> None:
        self.told[name] = answers

    def look_up(self, host: str, port: int) -> list[Any]:
        """Stand in for ``names.look_up``."""
        self.asked.append(host)
        answers = self.told.get(host)
        if answers is None:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        current = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            row
            for address in current
            for row in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]


@contextmanager
def resolving() -> Iterator[Names]:
    """Put a resolver under the test's control in the place of the operating system's."""
    told = Names()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "look_up", told.look_up)
        yield told
