"""One request, over real connections: what is sent, what comes back, where redirects lead."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from outbound import client
from outbound.addresses import Allowed
from outbound.errors import NotAnAddress, OutboundError, TooManyRedirects, Unreachable
from tests.outbound.web import Asked, Names, Web, ok, redirect


def test_an_answer_is_returned_with_its_headers_in_any_spelling(site: Web) -> None:
    site.pages["/a?b=1"] = ok(b"hello", SourceMap="a.map")
    answer = client.request("GET", f"{site.url}/a?b=1#top")
    assert (answer.status, answer.body, answer.url) == (200, b"hello", f"{site.url}/a?b=1")
    assert answer.headers["sourcemap"] == answer.headers["SourceMap"] == "a.map"
    assert "X-SourceMap" not in answer.headers


def test_what_is_sent_says_who_asks_and_what_it_can_read(site: Web) -> None:
    client.request("GET", site.url)
    [asked] = site.asked
    assert (asked.method, asked.target, asked.body) == ("GET", "/", b"")
    assert asked.headers == {
        "host": f"127.0.0.1:{site.port}",
        "user-agent": "Healthtrack",
        "accept-encoding": "gzip, deflate, br",
        "connection": "close",
    }


def test_a_body_and_headers_are_sent_as_they_are(site: Web) -> None:
    site.pages["/hook"] = ok(b"", status="202 Accepted")
    answer = client.request(
        "post", f"{site.url}/hook", body=b'{"a":1}', headers={"content-type": "application/json", "USER-AGENT": "Me"}
    )
    [asked] = site.asked
    assert (answer.status, asked.method, asked.body) == (202, "POST", b'{"a":1}')
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"] == "Me"
    assert asked.headers["content-length"] == "7"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "404 Not Found", "500 Oh", "302 Found"])
def test_an_answer_of_any_status_is_an_answer(site: Web, status: str) -> None:
    site.pages["/"] = ok(b"", status=status)
    assert client.request("GET", site.url, redirects=3).status == int(status[:3])


def test_a_redirect_is_an_answer_where_none_is_to_be_followed(site: Web) -> None:
    site.pages["/"] = redirect("/next")
    answer = client.request("GET", site.url)
    assert (answer.status, answer.headers["location"], site.targets) == (302, "/next", ["GET /"])


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
def test_redirects_are_followed_and_the_last_address_is_told(site: Web, status: str) -> None:
    site.pages["/a/b"] = redirect("../c/d?e#f", status=status, body=b"x" * 5_000)
    site.pages["/c/d?e"] = ok(b"there")
    answer = client.request("GET", f"{site.url}/a/b", redirects=1, most_bytes=5)  # the body on the way does not count
    assert (answer.body, answer.url) == (b"there", f"{site.url}/c/d?e")


def test_a_redirect_may_name_its_goal_in_utf_8(site: Web) -> None:
    site.pages["/"] = redirect("/größe")
    site.pages["/gr%C3%B6%C3%9Fe"] = ok(b"there")
    assert client.request("GET", site.url, redirects=1).body == b"there"


def test_ten_redirects_are_ten(site: Web) -> None:
    for number in range(11):
        site.pages[f"/{number}"] = redirect(f"/{number + 1}")
    site.pages["/11"] = ok(b"there")
    assert client.request("GET", f"{site.url}/1", redirects=10).body == b"there"
    with pytest.raises(TooManyRedirects) as caught:
        client.request("GET", f"{site.url}/0", redirects=10)
    assert caught.value.url == f"{site.url}/10"
    assert caught.value.reason == "more than 10 redirects"


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [("301 x", "GET", b""), ("303 x", "GET", b""), ("307 x", "POST", b"text"), ("308 x", "POST", b"text")],
)
def test_a_redirected_post_keeps_its_body_where_the_status_says_so(
    site: Web, status: str, method: str, body: bytes
) -> None:
    site.pages["/"] = redirect("/next", status=status)
    client.request("POST", site.url, body=b"text", headers={"Content-Type": "text/plain"}, redirects=1)
    asked = site.asked[1]
    assert (asked.method, asked.target, asked.body) == (method, "/next", body)
    assert ("content-type" in asked.headers) is bool(body)


def test_credentials_go_to_the_origin_that_they_were_given_for_alone(site: Web, resolver: Names) -> None:
    resolver["other.test"] = [["127.0.0.1"]]
    site.pages["/"] = redirect("/same")
    site.pages["/same"] = redirect(f"http://other.test:{site.port}/other")
    client.request("GET", site.url, headers={"Authorization": "Bearer x", "Cookie": "a=b", "X-Own": "1"}, redirects=5)
    seen = [(a.target, "authorization" in a.headers, "cookie" in a.headers, "x-own" in a.headers) for a in site.asked]
    assert seen == [("/", True, True, True), ("/same", True, True, True), ("/other", False, False, True)]


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://user@127.0.0.1/", "file:///etc/passwd", "http://["])
def test_a_redirect_to_what_is_not_asked_is_refused(site: Web, location: str) -> None:
    site.pages["/"] = redirect(location)
    with pytest.raises(NotAnAddress) as caught:
        client.request("GET", site.url, redirects=5)
    assert caught.value.hop == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(200)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_whole_answer_is_unreachable(site: Web, sent: bytes) -> None:
    site.pages["/"] = sent
    with pytest.raises(Unreachable) as caught:
        client.request("GET", site.url)
    assert caught.value.reason == "the connection broke off, or what came was no HTTP"
    assert str(caught.value) == f"{site.url}/: {caught.value.reason}"


def test_nobody_who_listens_is_unreachable(site: Web, resolver: Names) -> None:
    with pytest.raises(Unreachable, match="no such host"):
        client.request("GET", "http://nowhere.test/")
    with pytest.raises(Unreachable, match="connection refused"):
        client.request("GET", "http://127.0.0.1:1/")


def test_a_name_with_a_dead_address_is_reached_by_the_next_one(site: Web, resolver: Names, settings: Settings) -> None:
    settings.ALLOWED_PRIVATE_HOSTS = Allowed.read(["127.0.0.1", "::1"])
    resolver["two.test"] = [["::1", "127.0.0.1"]]  # nobody listens at the first
    site.pages["/"] = ok(b"there")
    assert client.request("GET", f"http://two.test:{site.port}/").body == b"there"


def test_a_header_that_would_end_the_line_is_an_error_of_the_caller(site: Web) -> None:
    with pytest.raises(ValueError, match="header"):
        client.request("GET", site.url, headers={"X": "a\r\nHost: b"})
    assert site.asked == []


def test_a_hostile_address_is_not_repeated_at_length() -> None:
    with pytest.raises(OutboundError) as caught:
        client.request("GET", "ftp://" + "a" * 9_000)
    assert len(caught.value.url) == 2048


def test_no_proxy_of_the_environment_is_used(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.pages["/"] = lambda asked: [ok(asked.target.encode())]
    assert client.request("GET", site.url).body == b"/"
    assert isinstance(site.asked[0], Asked)
