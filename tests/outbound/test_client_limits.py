"""Every request ends: in time, however slowly the answer drips, and in size, however well it is compressed."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import psutil
import pytest

from outbound import client, names
from outbound.errors import TimedOut, TooLarge, Unreachable
from tests.outbound.web import Asked, Names, Web, dripping, ok, redirect

HEAD = b"HTTP/1.1 200 OK\r\n"


def endless(piece: bytes, first: bytes = HEAD + b"\r\n") -> Any:
    def answer(_: Asked) -> Iterator[bytes]:
        yield first
        while True:
            yield piece

    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        [b""] * 200,
        [b"H", b"T", b"T", b"P"] + [b"x"] * 200,
        [HEAD] + [b"X: x\r\n"] * 90,
        [HEAD, b"Content-Length: 500\r\n\r\n"] + [b"x"] * 200,
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n"] + [b"1\r\nx\r\n"] * 200,
        [HEAD, b"Content-Encoding: gzip\r\n\r\n"] + [gzip.compress(b"")] * 200,
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 200,
    ],
    ids=["silence", "status", "headers", "body", "chunks", "empty members", "interim answers"],
)
def test_an_answer_that_drips_ends_with_the_request(site: Web, pieces: list[bytes]) -> None:
    site.pages["/"] = dripping(*pieces, seconds=0.1)
    with pytest.raises(TimedOut):  # and no answer after 20 seconds, as if each byte had the whole time to itself
        client.request("GET", site.url, total_timeout=0.6)


def test_an_answer_in_time_may_drip(site: Web) -> None:
    site.pages["/"] = dripping(HEAD, b"\r\n", *[b"x"] * 5, seconds=0.05)
    assert client.request("GET", site.url, total_timeout=30).body == b"xxxxx"


def test_redirects_share_the_time(site: Web) -> None:
    for number in range(20):
        site.pages[f"/{number}"] = dripping(b"", redirect(f"/{number + 1}"), seconds=0.2)
    with pytest.raises(TimedOut) as caught:
        client.request("GET", f"{site.url}/0", total_timeout=0.7, redirects=20)
    assert 1 <= caught.value.hop <= 4


def test_a_name_server_that_says_nothing_ends_with_the_time_for_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def silent(host: str, port: int) -> list[Any]:
        released.wait(20)
        return []

    monkeypatch.setattr(names, "look_up", silent)
    with pytest.raises(TimedOut):
        client.request("GET", "http://slow.test/", connect_timeout=0.2)
    released.set()


def test_a_handshake_that_nobody_answers_ends_with_the_time_for_connecting(site: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # its backlog connects, nobody speaks TLS
        before = time.monotonic()
        with pytest.raises(TimedOut):
            client.request("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/", connect_timeout=0.3)
    assert time.monotonic() - before < 15  # and not 30, the time for the whole


def test_each_address_of_a_name_gets_its_share_of_the_time(
    site: Web, resolver: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver["two.test"] = [["127.0.0.1", "127.0.0.1"]]
    site.pages["/"] = ok(b"there")
    shares: list[float] = []

    def connect(self: socket.socket, place: Any) -> None:
        shares.append(self.gettimeout() or 0)
        if len(shares) == 1:
            raise TimeoutError
        socket.socket.connect(self, place)

    monkeypatch.setattr("outbound.sockets.Plain.connect", connect, raising=False)
    assert client.request("GET", f"http://two.test:{site.port}/", connect_timeout=20).body == b"there"
    assert 9 < shares[0] <= 10
    assert 19 < shares[1] <= 20  # the first one failed at once


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000])
def test_as_much_as_was_asked_for_is_returned(site: Web, size: int) -> None:
    site.pages["/"] = ok(b"x" * size)
    assert client.request("GET", site.url, most_bytes=100_000).body == b"x" * size


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * 100_001),
        HEAD + b"\r\n" + b"x" * 100_001,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n186A1\r\n" + b"x" * 100_001 + b"\r\n0\r\n\r\n",
        endless(b"x" * 65_536),
        endless(b"10\r\n" + b"x" * 16 + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        ok(gzip.compress(b"x" * 100_001), Content_Encoding="gzip"),
        ok(zlib.compress(b"x" * 100_001), Content_Encoding="deflate"),
        ok(brotli.compress(b"x" * 100_001), Content_Encoding="br"),
    ],
    ids=["length", "until closed", "chunked", "endless", "endless chunks", "gzip", "deflate", "brotli"],
)
def test_more_than_was_asked_for_is_too_large_or_cut(site: Web, answer: Any) -> None:
    site.pages["/"] = answer
    with pytest.raises(TooLarge, match="exceeded the limit of 100000 bytes"):
        client.request("GET", site.url, most_bytes=100_000)
    assert client.request("GET", site.url, most_bytes=100_000, cut=True).body == b"x" * 100_000


def zlib_bomb(wbits: int) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()


def brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=3)
    packed: bytes = b"".join(packer.process(bytes(1_000_000)) for _ in range(300)) + packer.finish()
    return packed


@pytest.mark.parametrize(
    ("make", "encoding"),
    [
        (lambda: zlib_bomb(31), "gzip"),  # 0.3 MB on the wire
        (lambda: gzip.compress(b"") * 1_000 + zlib_bomb(31), "gzip"),
        (lambda: zlib_bomb(15), "deflate"),
        (brotli_bomb, "br"),
    ],
    ids=["gzip", "gzip after empty members", "deflate", "brotli"],
)
def test_a_bomb_is_noticed_when_it_is_as_large_as_the_limit(
    site: Web, make: Callable[[], bytes], encoding: str
) -> None:
    site.pages["/"] = ok(make(), Content_Encoding=encoding)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            client.request("GET", site.url, most_bytes=2_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "deflate", "br", "identity"])
def test_what_was_asked_for_is_decompressed(site: Web, encoding: str) -> None:
    text = b"function a(){}" * 9_000
    pack = {"deflate": zlib.compress, "br": brotli.compress, "identity": bytes}.get(encoding, gzip.compress)
    site.pages["/"] = ok(pack(text), Content_Encoding=encoding)
    assert client.request("GET", site.url).body == text


@pytest.mark.parametrize("encoding", ["zstd", "gzip, gzip", "compress", "aws-chunked", "gzip,br,gzip,br,gzip,br"])
def test_what_was_not_asked_for_is_not_decompressed(site: Web, encoding: str) -> None:
    site.pages["/"] = ok(gzip.compress(b"x"), Content_Encoding=encoding)
    with pytest.raises(Unreachable, match="compressed in a way that was not asked for"):
        client.request("GET", site.url)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_what_does_not_decompress_is_unreachable(site: Web, encoding: str) -> None:
    site.pages["/"] = ok(b"\x1f\x8bnonsense, nonsense", Content_Encoding=encoding)
    with pytest.raises(Unreachable, match="cannot be decompressed"):
        client.request("GET", site.url)


def test_no_thread_and_no_connection_is_left(site: Web) -> None:
    site.pages["/"] = endless(b"x" * 65_536)
    for _ in range(5):
        with pytest.raises(TooLarge):
            client.request("GET", site.url)
    assert [thread.name for thread in threading.enumerate() if thread.name == "resolve"] == []
    assert [one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == site.port] == []
