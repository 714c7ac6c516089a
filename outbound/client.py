"""One HTTP request to an address that somebody else has named.

Proxies of the environment (``HTTPS_PROXY``) are not used: behind one, nobody here could say what is connected to.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO

from django.conf import settings
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError
from urllib3.response import HTTPResponse

from outbound import sockets, urls
from outbound.deadline import Deadline
from outbound.errors import OutboundError, TimedOut, TooLarge, TooManyRedirects, Unreachable
from outbound.urls import Url

_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_METHOD = {307, 308}
_DECODED = {"", "identity", "gzip", "x-gzip", "deflate", "br"}
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")
_OF_A_BODY = ("content-type", "content-length", "content-encoding")
_PIECE = 64 * 1024  # bytes that are decompressed at a time; what a bomb gets beyond the limit


@dataclass(frozen=True, slots=True)
class Answer:
    """``url`` is where the answer came from, after redirects. ``headers`` are found in any spelling of their names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked at a hop."""

    url: Url
    method: str
    headers: HTTPHeaderDict
    body: bytes | None


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    connect_timeout: float = 5.0,
    total_timeout: float = 30.0,
    most_bytes: int = 1024 * 1024,
    cut: bool = False,
    redirects: int = 0,
) -> Answer:
    """Ask ``url`` and return the answer, of whatever status, its body decompressed.

    Seconds bound each connection (name, TCP and TLS together) and the whole, redirects and all. A body of more than
    ``most_bytes`` raises ``TooLarge``, or is cut there where ``cut`` says so. ``redirects`` is how many are followed;
    with 0 the answer that redirects is returned as it is. Raises an ``outbound.errors.OutboundError``, and
    ``ValueError`` for a header or method that HTTP cannot carry.
    """
    deadline, hop = Deadline(total_timeout), 0
    try:
        asked = _Asked(urls.parse(url), method.upper(), HTTPHeaderDict(headers), body)
        while True:
            with _answered(asked, deadline, connect_timeout) as response:
                location = _location(response) if redirects else ""
                if not location:
                    return Answer(
                        response.status, response.headers, _body(response, asked.url, most_bytes, cut), asked.url.text
                    )
            hop += 1
            if hop > redirects:
                raise TooManyRedirects(asked.url.text, f"more than {redirects} redirects")
            asked = _next(asked, response.status, location)
    except OutboundError as error:
        error.hop = hop
        raise


@contextmanager
def _answered(asked: _Asked, deadline: Deadline, connect_timeout: float) -> Iterator[HTTPResponse]:
    """Connect, ask, and yield the answer with its body unread; whatever goes wrong becomes an ``OutboundError``."""
    url = asked.url
    try:
        with closing(HTTPConnection(url.host, url.port)) as connection:
            connection.sock = sockets.connect(url, settings.ALLOWED_PRIVATE_HOSTS, deadline, connect_timeout)
            connection.request(
                asked.method, url.target, asked.body, _complete(asked.headers, url.authority), preload_content=False
            )
            with closing(connection.getresponse()) as response:
                yield response
    except (TimeoutError, ReadTimeoutError):
        raise TimedOut(url.text, "it took too long") from None
    except (HTTPError, http.client.HTTPException, OSError) as error:
        raise Unreachable(url.text, _reason(error)) from error


def _complete(headers: HTTPHeaderDict, authority: str) -> HTTPHeaderDict:
    complete = HTTPHeaderDict({"User-Agent": "Healthtrack", "Accept-Encoding": "gzip, deflate, br"})
    complete.update(headers)
    complete.update({"Host": authority, "Connection": "close"})
    return complete


def _reason(error: Exception) -> str:
    """Return what to tell of a failure; nothing that the other side wrote."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "the connection could not be encrypted"
    if isinstance(error, DecodeError):
        return "the answer cannot be decompressed"
    if isinstance(error, OSError) and error.errno and not isinstance(error, http.client.HTTPException):
        return (error.strerror or "the connection failed").lower()
    return "the connection broke off, or what came was no HTTP"


def _body(response: HTTPResponse, url: Url, most: int, cut: bool) -> bytes:
    """Read at most ``most`` bytes and one piece; more are an error, or cut off."""
    if response.headers.get("content-encoding", "").strip().lower() not in _DECODED:
        raise Unreachable(url.text, "the answer is compressed in a way that was not asked for")
    body = BytesIO()  # which gives away what it has, and no copy
    while piece := response.read(_PIECE, decode_content=True):
        body.write(piece)
        if body.tell() > most:
            if not cut:
                raise TooLarge(url.text, f"the answer exceeded the limit of {most} bytes")
            body.truncate(most)
            break
    return body.getvalue()


def _location(response: HTTPResponse) -> str:
    """Return where the answer leads, or an empty text. Headers are read as Latin-1, but written in UTF-8."""
    location: str = response.headers.get("location", "") if response.status in _REDIRECTS else ""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _next(asked: _Asked, status: int, location: str) -> _Asked:
    """Return what is asked at the next hop: no credentials for another origin, no body unless the status keeps it."""
    url, headers = asked.url.join(location), HTTPHeaderDict(asked.headers)
    if url.origin != asked.url.origin:
        for name in _CREDENTIALS:
            headers.discard(name)
    if status in _KEEP_METHOD or asked.method in {"GET", "HEAD"}:
        return replace(asked, url=url, headers=headers)
    for name in _OF_A_BODY:
        headers.discard(name)
    return _Asked(url, "GET", headers, None)
