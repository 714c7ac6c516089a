"""A script and its source map, fetched from where a frame says that the script came from (pipeline 2.6).

Both are as untrusted as the event that named the script. They are taken as bytes here and parsed elsewhere, in a
process of its own (``symbols.parser``).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.conf import settings

from errortracking.symbols import fetching_data
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching_script import chunk_id, map_reference
from outbound import client, urls
from outbound.client import Answer
from outbound.deadline import Deadline
from outbound.errors import NotAnAddress, OutboundError, Refused, TimedOut, TooManyRedirects

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0  # for script and map together: events wait for them 40 seconds
MOST_BYTES = 25_000_000  # of a script or map, decompressed
MOST_REDIRECTS = 10
LONGEST_TEXT = 2048  # characters of an address in a failure; a data URL has millions
_PIECE = 64 * 1024  # bytes that are checked at a time

_HEADERS = ("SourceMap", "X-SourceMap")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A minified script and its source map, both UTF-8; the map begins with ``{``, more is not known of it."""

    script: bytes
    source_map: bytes


@dataclass(frozen=True, slots=True)
class ChunkId:
    """The script names the uploaded symbol set that holds its map."""

    id: str


class _Failed(Exception):
    def __init__(self, name: str, *values: str | int) -> None:
        super().__init__(name)
        self.failure = Failure("JavaScript", name, tuple(_shown(v) if isinstance(v, str) else v for v in values))


def is_on() -> bool:
    """Return whether this server fetches at all (``HEALTHTRACK_FETCH_SOURCE_MAPS``)."""
    on: bool = settings.FETCH_SOURCE_MAPS
    return on


def fetch(url: str, *, is_uploaded: Callable[[str], bool] | None = None) -> Fetched | ChunkId | Failure:
    """Fetch the script at ``url``, find its map and fetch that; at most 30 seconds for both.

    A script that carries a chunk id answers ``ChunkId`` where ``is_uploaded`` says that a usable set of that id is
    there, or is not given; else its map is fetched like any other's. Never raises for what the other side does.
    """
    try:
        if not is_on():
            raise _Failed("NoSourcemap", url)
        deadline = Deadline(TOTAL_SECONDS)
        script = _get(url, deadline, "InvalidSourceUrl")
        chunk = chunk_id(script.body)
        if chunk and (is_uploaded is None or is_uploaded(chunk)):
            return ChunkId(chunk)
        return Fetched(_utf8(script.body), _source_map(url, script, deadline))
    except _Failed as failed:
        return failed.failure


def _source_map(url: str, script: Answer, deadline: Deadline) -> bytes:
    reference = _from_headers(script) or map_reference(script.body)
    if not reference:
        return _beside(url, deadline)
    if reference[:5].lower() == "data:":
        try:
            return _checked(fetching_data.read(reference[5:]))
        except ValueError as error:
            raise _Failed("InvalidDataUrl", url, str(error)) from None
    try:
        address = urls.parse(script.url).join(reference).text
    except NotAnAddress:
        raise _Failed("InvalidSourceMapUrl", reference) from None
    return _checked(_get(address, deadline, "InvalidSourceMapUrl").body)


def _from_headers(script: Answer) -> str:
    """Return the map that the answer's headers name, or an empty text. http.client reads headers as Latin-1."""
    told = next((value for name in _HEADERS if (value := script.headers.get(name, "").strip())), "")
    try:
        return told.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise _Failed("InvalidSourceMapHeader", script.url) from None


def _beside(url: str, deadline: Deadline) -> bytes:
    """Return the map that lies beside a script that names none, as ``<script>.map``; upstream looks there, too.

    Whatever lies there instead (a page that says "not found" with status 200, say) means that there is no map.
    """
    place = urls.parse(url)
    path, mark, query = place.target.partition("?")
    try:
        return _checked(_get(replace(place, target=f"{path}.map{mark}{query}").text, deadline, "NoSourcemap").body)
    except _Failed:
        raise _Failed("NoSourcemap", url) from None


def _get(url: str, deadline: Deadline, not_an_address: str) -> Answer:
    try:
        answer = client.request(
            "GET",
            url,
            connect_timeout=CONNECT_SECONDS,
            total_timeout=deadline.left,
            most_bytes=MOST_BYTES,
            redirects=MOST_REDIRECTS,
        )
    except OutboundError as error:
        raise _failed(error, not_an_address) from error
    if not 200 <= answer.status < 300:
        raise _Failed("HttpStatus", answer.status, answer.url)
    return answer


def _failed(error: OutboundError, not_an_address: str) -> _Failed:
    if isinstance(error, TimedOut):
        return _Failed("Timeout", error.url)
    if isinstance(error, TooManyRedirects) or (isinstance(error, Refused) and error.hop):
        return _Failed("RedirectError", str(error))
    if isinstance(error, NotAnAddress):
        return _Failed(not_an_address, error.url)
    return _Failed("NetworkError", str(error))


def _checked(source_map: bytes) -> bytes:
    """Return the map without what may stand before it: a byte order mark, and the line that keeps it from being run."""
    source_map = source_map.removeprefix(codecs.BOM_UTF8)
    if source_map.startswith(b")]}"):
        source_map = source_map.partition(b"\n")[2]
    source_map = source_map.lstrip()
    if not source_map.startswith(b"{"):
        raise _Failed("InvalidSourceMap", "it is no JSON object")
    return _utf8(source_map)


def _utf8(content: bytes) -> bytes:
    """Return the content, with what is no UTF-8 in it replaced."""
    if content.isascii():
        return content
    try:
        for _ in _decoded(content, "strict"):
            pass
    except UnicodeDecodeError:
        return b"".join(text.encode() for text in _decoded(content, "replace"))
    return content


def _decoded(content: bytes, errors: str) -> Iterator[str]:
    """Yield the content as text, piece by piece: all of it at once takes up to four times its size."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    for start in range(0, len(content), _PIECE):
        yield decoder.decode(content[start : start + _PIECE], start + _PIECE >= len(content))


def _shown(text: str) -> str:
    """Return what of a text from outside may stand in a failure, which PostgreSQL has to take."""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode().replace("\0", "�")
