"""Why a map could not be fetched: the texts that frames show, and what the rows keep."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from pytest_django import Settings

from errortracking.symbols import fetching
from errortracking.symbols.failures import Failure, from_reason
from errortracking.symbols.fetching import fetch
from outbound.addresses import Allowed
from tests.outbound.web import Names, Web, dripping, ok, redirect

pytestmark = pytest.mark.usefixtures("fetching_on")

NAMED = b"throw 1\n//# sourceMappingURL=app.js.map\n"
LARGE = 25_000_001


def failed(url: str) -> Failure:
    """Fetch, and return the failure, which must survive the row it is kept in."""
    answer = fetch(url)
    assert isinstance(answer, Failure)
    assert from_reason(answer.reason) == answer
    return answer


def test_a_script_without_a_map(site: Web) -> None:
    site.pages["/app.js"] = ok(b"throw 1")
    failure = failed(f"{site.url}/app.js")
    assert failure.text == f"Could not find sourcemap for source url: {site.url}/app.js"
    assert failure.reason == f'{{"JavaScript":{{"NoSourcemap":"{site.url}/app.js"}}}}'
    assert site.targets == ["GET /app.js", "GET /app.js.map"]


def test_a_page_that_says_not_found_with_status_200_is_no_map_beside_the_script(site: Web) -> None:
    site.pages |= {"/app.js": ok(b"throw 1"), "/app.js.map": ok(b"<!doctype html>")}
    assert failed(f"{site.url}/app.js").text == f"Could not find sourcemap for source url: {site.url}/app.js"


@pytest.mark.parametrize("status", [304, 401, 403, 404, 410, 500, 503])
def test_a_status_that_is_no_success(site: Web, status: int) -> None:
    site.pages["/app.js"] = ok(NAMED, status=f"{status} x")
    assert failed(f"{site.url}/app.js") == Failure("JavaScript", "HttpStatus", (status, f"{site.url}/app.js"))
    site.pages |= {"/app.js": ok(NAMED), "/app.js.map": ok(b"{}", status=f"{status} x")}
    assert failed(f"{site.url}/app.js").text == f"HTTP error {status} while fetching: {site.url}/app.js.map"


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"[]", b'"x"', b")]}'", b"\xff\xfe{\0}\0"])
def test_what_the_script_names_is_no_source_map(site: Web, content: bytes) -> None:
    site.pages |= {"/app.js": ok(NAMED), "/app.js.map": ok(content)}
    assert failed(f"{site.url}/app.js").text == "Invalid source map: it is no JSON object"


def test_a_data_url_that_cannot_be_read(site: Web) -> None:
    site.pages["/app.js"] = ok(b"//# sourceMappingURL=data:application/json;base64,e30=!")
    failure = failed(f"{site.url}/app.js")
    assert failure.text == f"Invalid data url found at {site.url}/app.js. its base64 is broken"
    assert failure.reason == f'{{"JavaScript":{{"InvalidDataUrl":["{site.url}/app.js","its base64 is broken"]}}}}'


def test_a_data_url_that_holds_no_map(site: Web) -> None:
    site.pages["/app.js"] = ok(b"//# sourceMappingURL=data:application/json,[]")
    assert failed(f"{site.url}/app.js").text == "Invalid source map: it is no JSON object"


@pytest.mark.parametrize("reference", ["file:///etc/passwd", "webpack://a/b.map", "http://u@e.example/", "http://["])
def test_a_map_at_what_is_no_address_of_the_web(site: Web, reference: str) -> None:
    site.pages["/app.js"] = ok(f"//# sourceMappingURL={reference}".encode())
    assert failed(f"{site.url}/app.js") == Failure("JavaScript", "InvalidSourceMapUrl", (reference,))
    assert failed(f"{site.url}/app.js").text == f"Invalid source url: {reference}"


def test_a_header_that_is_no_text(site: Web) -> None:
    site.pages["/app.js"] = b"HTTP/1.1 200 OK\r\nSourceMap: \xff\xfe.map\r\n\r\ncode"
    assert failed(f"{site.url}/app.js").text == f"Could not parse source-map header from url {site.url}/app.js"


@pytest.mark.parametrize("url", ["ftp://e.example/a.js", "http://u:p@127.0.0.1/a.js", "app.js", "http://[/a.js"])
def test_a_script_at_what_is_no_address_of_the_web(site: Web, url: str) -> None:
    assert failed(url) == Failure("JavaScript", "InvalidSourceUrl", (url,))
    assert failed(url).text == f"Invalid source url: {url}"


@pytest.mark.parametrize("url", ["http://e.example/\ud800", "ftp://\0", "ftp://" + "a" * 9_000])
def test_what_a_row_cannot_keep_is_not_repeated(url: str) -> None:
    [told] = failed(url).values
    assert isinstance(told, str)
    assert len(told.encode()) <= 2_048
    assert "\0" not in told


def test_a_server_that_takes_too_long(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.3)
    site.pages["/app.js"] = dripping(*[b""] * 50, seconds=0.1)
    assert failed(f"{site.url}/app.js").text == f"Request timed out while fetching: {site.url}/app.js"


@pytest.mark.parametrize(
    "large",
    [ok(b"x" * LARGE), ok(gzip.compress(b"x" * LARGE, 1), Content_Encoding="gzip")],
    ids=["as it is", "compressed"],
)
def test_more_than_25_megabytes(site: Web, large: bytes) -> None:
    site.pages["/app.js"] = large
    text = "Network error while fetching: {}: the answer exceeded the limit of 25000000 bytes"
    assert failed(f"{site.url}/app.js").text == text.format(f"{site.url}/app.js")
    site.pages |= {"/app.js": ok(NAMED), "/app.js.map": large}
    assert failed(f"{site.url}/app.js").text == text.format(f"{site.url}/app.js.map")


def test_nobody_who_listens(site: Web, resolver: Names) -> None:
    assert failed("http://127.0.0.1:1/app.js").text == (
        "Network error while fetching: http://127.0.0.1:1/app.js: connection refused"
    )
    assert failed("https://nowhere.test/app.js").text == (
        "Network error while fetching: https://nowhere.test/app.js: no such host"
    )


@pytest.mark.parametrize(
    "location", ["http://10.0.0.1/app.js", "http://169.254.169.254/", "ftp://e.example/", "http://u@127.0.0.1/"]
)
def test_a_redirect_that_is_not_followed(site: Web, location: str) -> None:
    site.pages["/app.js"] = redirect(location)
    failure = failed(f"{site.url}/app.js")
    assert failure.name == "RedirectError"
    assert failure.text.startswith(f"Redirect error while fetching: {location}: ")


def test_more_than_ten_redirects(site: Web) -> None:
    site.pages["/app.js"] = redirect("/app.js")
    assert failed(f"{site.url}/app.js").text == (
        f"Redirect error while fetching: {site.url}/app.js: more than 10 redirects"
    )
    assert len(site.asked) == 11


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[::ffff:a00:1]", "10.1"])
def test_a_script_inside_is_not_asked_for(host: str, settings: Settings) -> None:
    assert Allowed() == settings.ALLOWED_PRIVATE_HOSTS
    assert failed(f"http://{host}/app.js").text == (
        f"Network error while fetching: http://{host}/app.js: the host is not in the public internet"
    )


@pytest.mark.parametrize("by", ["comment", "header"])
def test_a_map_inside_is_not_asked_for(site: Web, resolver: Names, by: str) -> None:
    resolver["intern.test"] = [["192.168.0.1"]]
    reference: dict[str, Any] = {"SourceMap": "http://intern.test/m"} if by == "header" else {}
    site.pages["/app.js"] = ok(b"//# sourceMappingURL=http://intern.test/m", **reference)
    assert failed(f"{site.url}/app.js").text == (
        "Network error while fetching: http://intern.test/m: the host is not in the public internet"
    )
