"""Uploads and downloads at signed addresses of a running server: as large as they may be, in little memory."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from django.core import signing as django_signing

from environments import clock
from errortracking.symbols.storage import new_key, signing
from tests.live import LiveServer, live_server

MEGABYTE = bytes(range(256)) * 4096
BOUNDARY = "5d41402abc4b2a76b9719d911017c592"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\nvalue\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(workers=0) as running:
        yield running


@pytest.fixture(scope="module")
def project_id(server: LiveServer) -> int:
    return int(server.bootstrap()["environment_id"])


class Address:
    """A set of the server's project that waits for its data, and the signed addresses of its key."""

    def __init__(self, server: LiveServer, project_id: int) -> None:
        self.server = server
        self.project_id = project_id
        self.key = new_key()
        secret = (server.data / "secret_key").read_text().strip()
        until = int(clock.now().timestamp()) + 300
        self._signed = {
            path: django_signing.Signer(key=secret, salt=f"errortracking.symbols.storage:{path}").sign_object(
                [project_id, self.key, until]
            )
            for path in (signing.UPLOAD, signing.DOWNLOAD)
        }
        assert server.database_url
        with psycopg.connect(server.database_url) as connection:
            connection.execute(
                "INSERT INTO errortracking_symbolset (environment_id, id, ref, created_at, storage_ptr)"
                " VALUES (%s, gen_random_uuid(), %s, now(), %s)",
                [project_id, self.key, self.key],
            )

    def path(self, path: str) -> str:
        return f"{path}?signature={self._signed[path]}"

    def send(self, megabytes: int, more: bytes = b"", *, path: str | None = None) -> tuple[int, dict[str, Any] | None]:
        """Send a form with a file of so many megabytes and then some bytes; return the status and the error."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=60)
        length = len(HEAD) + megabytes * len(MEGABYTE) + len(more) + len(TAIL)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(length)}
        pieces = [HEAD, *[MEGABYTE] * megabytes, more, TAIL]
        try:
            connection.putrequest("POST", path or self.path(signing.UPLOAD))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            try:
                for piece in pieces:
                    connection.send(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused while it was being sent
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if body else None
        finally:
            connection.close()

    def stored(self) -> int | None:
        assert self.server.database_url
        with psycopg.connect(self.server.database_url) as connection:
            row = connection.execute(
                "SELECT sum(length(data))::bigint FROM errortracking_symbolchunk"
                " WHERE environment_id = %s AND key = %s",
                [self.project_id, self.key],
            ).fetchone()
        assert row
        size: int | None = row[0]
        return size


@pytest.fixture
def address(server: LiveServer, project_id: int) -> Address:
    return Address(server, project_id)


class Peak:
    """The largest resident memory of a process that was seen within the block, in MB, less what it had before."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/smaps_rollup")
        self._ended = Event()
        self._most = self._before = self._now()
        self._thread = Thread(target=self._watch)

    def _now(self) -> float:
        (line,) = [line for line in self._file.read_text().splitlines() if line.startswith("Pss:")]
        return int(line.split()[1]) / 1024

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self._most = max(self._most, self._now())

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def grown(self) -> float:
        return self._most - self._before


def test_a_hundred_megabytes_go_up_and_down_in_little_memory(server: LiveServer, address: Address) -> None:
    (web,) = server.pids("web")
    with Peak(web) as peak:
        assert address.send(100) == (204, None)
        assert address.stored() == 104_857_600
        digest = hashlib.sha512()
        with requests.get(server.url + address.path(signing.DOWNLOAD), stream=True, timeout=60) as answer:
            assert answer.status_code == 200
            assert answer.headers["Content-Length"] == "104857600"
            for piece in answer.iter_content(1024 * 1024):
                digest.update(piece)
    assert digest.hexdigest() == hashlib.sha512(MEGABYTE * 100).hexdigest()
    assert peak.grown < 40  # some 15 measured


def test_one_byte_more_is_refused_and_nothing_of_it_stored(address: Address) -> None:
    status, error = address.send(100, b"x")
    assert status == 413
    assert error == {
        "type": "validation_error",
        "code": "file_too_large",
        "detail": "The file is larger than 100 MB.",
        "attr": "file",
    }
    assert address.stored() is None


def test_what_is_larger_than_the_server_reads_gets_the_same_answer(address: Address) -> None:
    status, error = address.send(102)
    assert status == 413
    assert error
    assert error["code"] == "file_too_large"
    assert address.stored() is None


def test_without_a_signature_the_server_reads_no_more_than_elsewhere(address: Address) -> None:
    status, error = address.send(40, path=f"{signing.UPLOAD}?signature=forged")
    assert status == 403
    assert error
    assert error["detail"] == "The address is not valid."


def test_uploads_to_one_address_at_the_same_time_end_well(address: Address) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda size: address.send(size), [20, 1, 20, 1, 20, 20]))
    assert answers == [(204, None)] * 6
    assert address.stored() in {1024 * 1024, 20 * 1024 * 1024}


def test_a_signature_opens_no_other_path(address: Address) -> None:
    query = address.path(signing.UPLOAD).partition("?")[2]
    connection = http.client.HTTPConnection(urlsplit(address.server.url).netloc, timeout=60)
    connection.putrequest("POST", f"/api/users/@me/?{query}")
    connection.putheader("Content-Length", str(40 * 1024 * 1024))
    connection.endheaders()
    answer = connection.getresponse()  # before a byte of the body was sent
    assert (answer.status, answer.getheader("Connection")) == (401, "close")
    connection.close()


def test_a_client_that_reads_slowly_holds_no_thread(server: LiveServer, address: Address) -> None:
    address.send(100)
    slow = [requests.get(server.url + address.path(signing.DOWNLOAD), stream=True, timeout=60) for _ in range(12)]
    try:
        assert requests.get(f"{server.url}/readyz", timeout=20).status_code == 200  # 8 threads, 12 downloads
        for answer in slow:
            assert len(answer.raw.read(1000)) == 1000
    finally:
        for answer in slow:
            answer.close()


def test_no_signature_is_written_to_the_log(server: LiveServer, address: Address) -> None:
    address.send(1)
    line = server.until(lambda: next((line for line in server.log.splitlines() if signing.UPLOAD in line), None))
    assert "signature" not in line
    assert address.path(signing.UPLOAD).rpartition(":")[2] not in server.log
