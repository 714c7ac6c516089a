"""A client that speaks like posthog-cli 0.18 (pipeline 6.2): the same calls in the same order, over real HTTP.

    cli = Cli(server.url, made["environment_id"], made["personal_api_key"])
    release = cli.release("web", "1.0")
    cli.upload([Chunk(chunk_id, payload, release)])

The program itself comes from github.com only, which tests do not reach.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

import requests

LARGEST: Final = 100 * 1024 * 1024
BATCH: Final = 50  # sets of one start and one finish
CHECK_BATCH: Final = 1000
ATTEMPTS: Final = 3
TIMEOUT: Final = 60


class CliError(Exception):
    """What the program would end with. ``code`` is the API's, empty where the answer was no error of its shape."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"{response.request.method} {response.url}: {response.status_code} {response.text[:500]}")
        self.status = response.status_code
        self.code = ""
        try:
            body = response.json()
        except ValueError:
            return
        if isinstance(body, dict) and {"type", "code", "detail"} <= body.keys():
            self.code = body["code"]


@dataclass(frozen=True)
class Chunk:
    """A symbol set as the program has it, packed."""

    chunk_id: str
    data: bytes
    release_id: str | None = None
    content_hash: str | None = None
    """Given where the data has parts that differ between builds of the same code."""

    @property
    def hash(self) -> str:
        """What the server is told of the content."""
        return self.content_hash or hashlib.sha512(self.data).hexdigest()


@dataclass
class Summary:
    """What the program prints at its end."""

    uploaded: int = 0
    already_there: int = 0
    too_large: int = 0


@dataclass
class Cli:
    """The program, set up for one project."""

    url: str
    project: int | str
    key: str
    pause: float = 0.05
    """Seconds between attempts; the program waits half a second, and twice that the next time."""
    checks: bool = True
    """Whether it asks first what is missing: since 0.18.2."""
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    """Method, path without the query string, and status of each request so far."""

    # ---- its commands

    def release(self, project: str, version: str, git: dict[str, str] | None = None) -> str:
        """Find the release or make it; return its id."""
        hash_id = hashlib.sha512((project + version).encode()).hexdigest()
        try:
            return str(self._api("GET", f"releases/hash/{hash_id}")["id"])
        except CliError as error:
            if error.status != 404:
                raise
        body: dict[str, Any] = {"hash_id": hash_id, "version": version, "project": project}
        if git:
            body["metadata"] = {"git": git}
        return str(self._api("POST", "releases", body)["id"])

    def upload(
        self,
        chunks: Sequence[Chunk],
        *,
        force: bool = False,
        skip_on_conflict: bool = False,
        skip_release_on_fail: bool = False,
    ) -> Summary:
        """Upload what the server does not have."""
        flags = {"force": force, "skip_on_conflict": skip_on_conflict}
        try:
            return self._upload(chunks, flags)
        except CliError as error:
            if error.code != "release_id_mismatch" or not skip_release_on_fail:
                raise
        return self._upload([replace(chunk, release_id=None) for chunk in chunks], flags)

    def download(self, ref: str) -> bytes:
        """Return the data of the set with a reference."""
        found = self._api("GET", f"symbol_sets/?ref={quote(ref, safe='')}&limit=1")["results"]
        assert found, f"No symbol set found with ref '{ref}'"
        url = self._api("GET", f"symbol_sets/{found[0]['id']}/download/")["url"]
        response = requests.get(url, timeout=TIMEOUT)
        self._note(response)
        return response.content

    # ---- commands of older versions

    def upload_one(self, chunk: Chunk) -> None:
        """Upload in three steps, a set at a time."""
        started = self._api("POST", f"symbol_sets/start_upload?{self._query(chunk)}")
        self._send(started["presigned_url"], chunk.data)
        self._api("PUT", f"symbol_sets/{started['symbol_set_id']}/finish_upload", {"content_hash": chunk.hash})

    def upload_at_once(self, chunk: Chunk) -> None:
        """Upload with one request."""
        url = f"{self._root}symbol_sets/?{self._query(chunk)}&multipart=true"
        headers = {"Authorization": f"Bearer {self.key}", "User-Agent": "posthog-cli"}
        self._note(requests.post(url, headers=headers, files={"file": ("file", chunk.data)}, timeout=TIMEOUT))

    # ---- how it does that

    def _upload(self, chunks: Sequence[Chunk], flags: dict[str, bool]) -> Summary:
        small = [chunk for chunk in chunks if len(chunk.data) <= LARGEST]
        missing = list(self._missing(small, flags)) if self.checks else small
        summary = Summary(0, len(small) - len(missing), len(chunks) - len(small))
        for batch in _batches(missing, BATCH):
            started = self._api("POST", "symbol_sets/bulk_start_upload", _named(batch) | flags)["id_map"]
            summary.already_there += len(batch) - len(started)
            by_id = {chunk.chunk_id: chunk for chunk in batch}
            hashes = {}
            for chunk_id, upload in started.items():
                self._send(upload["presigned_url"], by_id[chunk_id].data)
                hashes[upload["symbol_set_id"]] = by_id[chunk_id].hash
            if hashes or not self.checks:  # older versions finish nothing, too
                self._api("POST", "symbol_sets/bulk_finish_upload", {"content_hashes": hashes})
            summary.uploaded += len(hashes)
        return summary

    def _missing(self, chunks: Sequence[Chunk], flags: dict[str, bool]) -> Iterator[Chunk]:
        """Leave out what the server has; where it does not say, `bulk_start_upload` will."""
        for batch in _batches(chunks, CHECK_BATCH):
            try:
                answer = self._api("POST", "symbol_sets/bulk_check_upload", _named(batch) | flags)
            except CliError:
                yield from batch
                continue
            needed = set(answer["chunk_ids_to_upload"])
            yield from (chunk for chunk in batch if chunk.chunk_id in needed)

    def _send(self, presigned: dict[str, Any], data: bytes) -> None:
        """Send a form: all fields, then the file, whose part has a name and no type. It has no credentials."""
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in presigned["fields"].items()]
        parts.append(("file", ("file", data)))
        self._retried(lambda: requests.post(presigned["url"], files=parts, timeout=TIMEOUT))

    @property
    def _root(self) -> str:
        return f"{self.url}/api/projects/{self.project}/error_tracking/"

    def _api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",  # of a GET, too
            "User-Agent": "posthog-cli",
        }
        return self._retried(
            lambda: requests.request(method, self._root + path, json=body, headers=headers, timeout=TIMEOUT)
        ).json()

    def _retried(self, send: Callable[[], requests.Response]) -> requests.Response:
        for attempt in range(ATTEMPTS - 1):
            try:
                return self._note(send())
            except CliError as error:
                if error.status < 500:  # the program itself repeats these as well, to no other end
                    raise
            except requests.ConnectionError:
                pass
            time.sleep(self.pause * 2**attempt)
        return self._note(send())

    def _note(self, response: requests.Response) -> requests.Response:
        path = str(response.request.path_url).partition("?")[0]
        self.calls.append((str(response.request.method), path, response.status_code))
        if not response.ok:
            raise CliError(response)
        return response

    @staticmethod
    def _query(chunk: Chunk) -> str:
        release = f"&release_id={chunk.release_id}" if chunk.release_id else ""
        return f"chunk_id={quote(chunk.chunk_id, safe='')}{release}"


def _named(batch: Sequence[Chunk]) -> dict[str, Any]:
    return {
        "symbol_sets": [
            {"chunk_id": chunk.chunk_id, "release_id": chunk.release_id, "content_hash": chunk.hash} for chunk in batch
        ]
    }


def _batches(chunks: Sequence[Chunk], size: int) -> Iterator[Sequence[Chunk]]:
    for start in range(0, len(chunks), size):
        yield chunks[start : start + size]
