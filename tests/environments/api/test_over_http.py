"""The API on a socket: what Django's test client would hide. The server of these tests is the one that users start."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.live import LiveServer, server

__all__ = ["server"]


class Wire:
    """A project of its own on the shared server, and raw requests to it."""

    def __init__(self, server: LiveServer) -> None:
        made = server.bootstrap(email="over-http@example.com")
        self.address = urlsplit(server.url)
        self.key = made["personal_api_key"]
        self.root = f"/api/environments/{made['environment_id']}/error_tracking"

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=60)
        sent = {"Authorization": f"Bearer {self.key}"} | (headers or {})
        try:
            connection.request(method, path, body, sent, encode_chunked="Transfer-Encoding" in sent)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def wire(server: LiveServer) -> Wire:
    return Wire(server)


JSON = {"Content-Type": "application/json"}


def test_a_body_beyond_the_web_servers_own_limit_is_the_apis_413_and_is_never_waited_for(wire: Wire) -> None:
    announced = {"Content-Length": "40000000", "X-Request-ID": "mine", **JSON}
    status, headers, sent = wire.send("POST", f"{wire.root}/releases/", None, announced)
    assert (status, headers["Content-Type"], headers["X-Request-ID"]) == (413, "application/json", "mine")
    assert json.loads(sent) == {
        "type": "invalid_request",
        "code": "request_too_large",
        "detail": "Request body exceeds the maximum of 20 MB.",
        "attr": None,
    }
    status, _, sent = wire.send("POST", f"{wire.root}/releases/", None, {**announced, "Authorization": "Bearer phx_no"})
    assert (status, json.loads(sent)["code"]) == (401, "authentication_failed")


def test_a_release_goes_through_its_whole_life(wire: Wire) -> None:
    body = json.dumps({"version": "1", "project": "web", "hash_id": "wire"})
    status, headers, sent = wire.send("POST", f"{wire.root}/releases", body, JSON)
    assert (status, headers["Content-Type"]) == (201, "application/json")
    release = json.loads(sent)
    path = f"{wire.root}/releases/{release['id']}/"
    assert json.loads(wire.send("GET", f"{wire.root}/releases/hash/wire")[2]) == release
    status, headers, sent = wire.send("PATCH", path, b'{"version": "2"}', JSON)
    assert (status, sent, headers["Content-Type"]) == (204, b"", None)
    assert json.loads(wire.send("GET", path)[2])["version"] == "2"
    assert wire.send("DELETE", path)[0] == 204
    assert wire.send("GET", path)[0] == 404


def test_links_name_the_host_that_the_client_asked(wire: Wire) -> None:
    for number in range(2):
        body = json.dumps({"version": str(number), "project": "links"})
        assert wire.send("POST", f"{wire.root}/releases/", body, JSON)[0] == 201
    listed = json.loads(wire.send("GET", f"{wire.root}/releases/?limit=1", None, {"Host": "example.com:8443"})[2])
    assert listed["next"] == f"http://example.com:8443{wire.root}/releases/?limit=1&offset=1"


@pytest.mark.parametrize("host", ["exa mple", "a/b", "[::1", "x" * 300 + "!", ""])
def test_a_strange_host_is_no_defect(wire: Wire, host: str) -> None:
    assert wire.send("GET", f"{wire.root}/releases/?limit=1", None, {"Host": host})[0] in {200, 400}


def test_a_chunked_body_is_read(wire: Wire) -> None:
    headers = JSON | {"Transfer-Encoding": "chunked"}
    status, _, sent = wire.send(
        "POST", f"{wire.root}/stack_frames/batch_get/", iter([b'{"raw', b'_ids": ["a"]}']), headers
    )
    assert (status, sent) == (200, b'{"results":[]}')


def test_a_head_request_has_no_body(wire: Wire) -> None:
    status, headers, sent = wire.send("HEAD", f"{wire.root}/releases/")
    assert (status, sent) == (200, b"")
    assert int(headers["Content-Length"]) > 0


def test_a_405_without_body_is_complete(wire: Wire) -> None:
    status, headers, sent = wire.send("DELETE", f"{wire.root}/stack_frames/x/")
    assert (status, sent, headers["Content-Length"], headers["Content-Type"]) == (405, b"", "0", None)


@pytest.mark.parametrize("charset", ["zlib", "idna", "undefined", "nonsense", "utf-8"])
def test_no_charset_is_a_500(wire: Wire, charset: str) -> None:
    """Django decodes the query string with it before any middleware runs."""
    headers = {"Content-Type": f"application/json; charset={charset}"}
    status, _, sent = wire.send("POST", f"{wire.root}/stack_frames/batch_get/?q=%ff%c3", b"{}", headers)
    assert (status, charset) in {(200, "utf-8"), (200, "nonsense"), (415, charset)}, sent


def test_a_body_above_20_mb_is_refused(wire: Wire) -> None:
    status, _, sent = wire.send("POST", f"{wire.root}/releases/", b" " * (20 * 1024 * 1024 + 1), JSON)
    assert status == 413
    assert b"500" not in sent


def test_the_docs_and_the_admin_open(wire: Wire) -> None:
    assert wire.send("GET", "/api/docs/")[0] == 200
    assert wire.send("GET", "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css")[0] == 200
    assert wire.send("GET", "/admin/login/")[0] == 200
    assert wire.send("GET", "/static/unfold/css/styles.css")[0] == 200


def test_a_wrong_key_is_challenged_with_the_servers_address(wire: Wire) -> None:
    status, headers, _ = wire.send("GET", f"{wire.root}/releases/", None, {"Authorization": "Bearer phx_wrong"})
    assert status == 401
    assert headers["WWW-Authenticate"].startswith('Bearer resource_metadata="http')
