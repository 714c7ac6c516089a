"""How the demo speaks to the server: to the one that runs, else to the same application in this process."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import psutil

from runtime.announce import Address
from runtime.supervisor.state import RunFolder
from runtime.wsgi import Application


class Answer(NamedTuple):
    """A response."""

    status: int
    body: bytes


class Client(Protocol):
    """Sends one request and returns its answer; raises ``OSError`` where there is no server."""

    def __call__(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it; ``path`` may have a query string."""


def running(data: Path) -> Address | None:
    """Return where the server of the data folder listens; ``None`` where none runs.

    ``ps`` does not know the address, but the kernel does: the web processes listen on it.
    """
    for row in RunFolder(data).read():
        if row.role != "web":
            continue
        try:
            listening = [
                one for one in psutil.Process(row.pid).net_connections("tcp") if one.status == psutil.CONN_LISTEN
            ]
        except psutil.Error:
            continue
        if listening:
            return Address(*listening[0].laddr)
    return None


def over_http(address: Address) -> Client:
    """Return a client of the server at ``address``; each request has a connection of its own."""

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(address.reachable, address.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        except http.client.HTTPException as error:
            raise OSError(f"no usable answer ({error!r})") from error
        finally:
            connection.close()

    return send


def in_process() -> Client:
    """Return a client of the application in this process, with all of its middleware."""
    application = Application()

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        url = urlsplit(path)
        environ: dict[str, Any] = {
            **{"REQUEST_METHOD": method, "PATH_INFO": url.path, "QUERY_STRING": url.query, "SCRIPT_NAME": ""},
            **{"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1"},
            **{"REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)},
            **{"wsgi.url_scheme": "http", "wsgi.errors": io.StringIO()},
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        statuses: list[str] = []
        answer = application(environ, lambda status, _headers, _error=None: statuses.append(status))
        try:
            return Answer(int(statuses[0].split()[0]), b"".join(answer))
        finally:
            if hasattr(answer, "close"):
                answer.close()

    return send


class Api:
    """The REST API of one project with one key, below one path."""

    def __init__(self, client: Client, environment_id: int, key: str, below: str = "error_tracking/") -> None:
        self._client, self._key = client, key
        self._base = f"/api/environments/{environment_id}/{below}"

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the JSON of the answer (``None`` for anything else)."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self._client(method, self._base + path, sent, headers)
        try:
            return answer.status, json.loads(answer.body)
        except ValueError:
            return answer.status, None
