"""A script and its map, fetched over real connections."""

from __future__ import annotations

import base64
import gzip
import tracemalloc

import pytest
from pytest_django import Settings

from errortracking.symbols import fetching
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching import ChunkId, Fetched, fetch
from tests.outbound.web import Names, Web, dripping, ok, redirect

pytestmark = pytest.mark.usefixtures("fetching_on")

MAP = b'{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}'
NAMED = b"throw 1\n//# sourceMappingURL=app.js.map\n"


def test_a_script_and_the_map_that_its_comment_names(site: Web) -> None:
    site.pages |= {"/static/app.js": ok(NAMED), "/static/app.js.map": ok(MAP)}
    assert fetch(f"{site.url}/static/app.js") == Fetched(NAMED, MAP)
    assert site.targets == ["GET /static/app.js", "GET /static/app.js.map"]
    assert site.asked[0].headers["accept-encoding"] == "gzip, deflate, br"


@pytest.mark.parametrize("name", ["SourceMap", "X-SourceMap", "sourcemap"])
def test_a_header_goes_before_the_comment(site: Web, name: str) -> None:
    site.pages |= {"/app.js": ok(NAMED, **{name: "maps/other.map"}), "/maps/other.map": ok(MAP)}
    assert fetch(f"{site.url}/app.js") == Fetched(NAMED, MAP)


def test_the_newer_header_goes_before_the_older_one_and_an_empty_one_counts_for_nothing(site: Web) -> None:
    site.pages |= {"/app.js": ok(NAMED, X_SourceMap="old.map", SourceMap="new.map"), "/new.map": ok(MAP)}
    assert isinstance(fetch(f"{site.url}/app.js"), Fetched)
    site.pages |= {"/app.js": ok(NAMED, SourceMap=""), "/app.js.map": ok(MAP)}
    assert isinstance(fetch(f"{site.url}/app.js"), Fetched)


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("m.map", "/v2/js/m.map"),
        ("./m.map?x=1", "/v2/js/m.map?x=1"),
        ("../m.map", "/v2/m.map"),
        ("/m.map", "/m.map"),
        ("maps/m.map", "/v2/js/maps/m.map"),
        ("größe.map", "/v2/js/gr%C3%B6%C3%9Fe.map"),
    ],
)
@pytest.mark.parametrize("by", ["comment", "header"])
def test_a_map_is_looked_for_from_where_the_script_was_in_the_end(
    site: Web, reference: str, target: str, by: str
) -> None:
    script = f"//# sourceMappingURL={reference}".encode() if by == "comment" else b"code"
    site.pages["/app.js"] = redirect("/v2/js/app.js")
    site.pages["/v2/js/app.js"] = ok(script) if by == "comment" else ok(script, SourceMap=reference)
    site.pages[target] = ok(MAP)
    assert fetch(f"{site.url}/app.js") == Fetched(script, MAP)


def test_a_map_may_lie_at_another_host_and_behind_redirects(site: Web, resolver: Names) -> None:
    resolver["maps.test"] = [["127.0.0.1"]]
    site.pages["/app.js"] = ok(f"//# sourceMappingURL=http://maps.test:{site.port}/1".encode())
    site.pages |= {f"/{number}": redirect(f"/{number + 1}") for number in range(1, 11)}
    site.pages["/11"] = ok(MAP)
    assert isinstance(fetch(f"{site.url}/app.js"), Fetched)
    assert len(site.asked) == 12


def test_a_map_inside_of_the_script_needs_no_second_request(site: Web) -> None:
    encoded = base64.b64encode(MAP)
    site.pages["/app.js"] = ok(b"code\n//# sourceMappingURL=data:application/json;charset=utf-8;base64," + encoded)
    answer = fetch(f"{site.url}/app.js")
    assert isinstance(answer, Fetched)
    assert answer.source_map == MAP
    assert site.targets == ["GET /app.js"]


def test_a_script_that_names_none_may_have_its_map_beside_it(site: Web) -> None:
    site.pages |= {"/app.js?v=1": ok(b"code"), "/app.js.map?v=1": ok(MAP)}
    assert fetch(f"{site.url}/app.js?v=1") == Fetched(b"code", MAP)


def test_a_chunk_id_leads_to_the_uploaded_set_and_no_map_is_asked_for(site: Web) -> None:
    site.pages["/app.js"] = ok(NAMED + b"//# chunkId=0199-ab\n")
    assert fetch(f"{site.url}/app.js") == ChunkId("0199-ab")
    assert fetch(f"{site.url}/app.js", is_uploaded=lambda found: found == "0199-ab") == ChunkId("0199-ab")
    assert site.targets == ["GET /app.js", "GET /app.js"]


def test_a_chunk_id_without_an_uploaded_set_is_fetched_like_any_other(site: Web) -> None:
    script = NAMED + b"//# chunkId=0199-ab\n"
    site.pages |= {"/app.js": ok(script), "/app.js.map": ok(MAP)}
    assert fetch(f"{site.url}/app.js", is_uploaded=lambda _: False) == Fetched(script, MAP)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b")]}'\n", b")]}\r\n", b" \n", b"\xef\xbb\xbf)]}'garbage\n  "])
def test_what_stands_before_a_map_is_taken_away(site: Web, before: bytes) -> None:
    site.pages |= {"/app.js": ok(NAMED), "/app.js.map": ok(before + MAP)}
    assert fetch(f"{site.url}/app.js") == Fetched(NAMED, MAP)


def test_both_are_utf_8_whatever_came(site: Web) -> None:
    site.pages |= {"/app.js": ok(b"'\xe4 \xc3\xa4'\n" + NAMED), "/app.js.map": ok(b'{"\xff":0}')}
    assert fetch(f"{site.url}/app.js") == Fetched(b"'\xef\xbf\xbd \xc3\xa4'\n" + NAMED, b'{"\xef\xbf\xbd":0}')


def test_the_largest_script_and_map_are_taken_compressed_or_not(site: Web) -> None:
    script = b"x" * (25_000_000 - len(NAMED)) + NAMED
    source_map = b'{"a":"' + b"x" * (25_000_000 - 8) + b'"}'
    site.pages["/app.js"] = ok(gzip.compress(script, 1), Content_Encoding="gzip")
    site.pages["/app.js.map"] = ok(source_map)
    answer = fetch(f"{site.url}/app.js")
    assert isinstance(answer, Fetched)
    assert (len(answer.script), len(answer.source_map)) == (25_000_000, 25_000_000)


def test_script_and_map_are_held_once(site: Web) -> None:
    """A worker fetches several at a time. As text, a script with one emoji would take four times its size."""
    script = "'\U0001f600".encode() + b"x" * 10_000_000 + b"'\n" + NAMED
    source_map = '{"a":"\U0001f600'.encode() + b"x" * 10_000_000 + b'"}'
    site.pages |= {"/app.js": ok(script), "/app.js.map": ok(source_map)}
    tracemalloc.start()
    try:
        answer = fetch(f"{site.url}/app.js")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer == Fetched(script, source_map)
    assert peak < 25_000_000


def test_what_is_no_utf_8_is_replaced_wherever_it_stands(site: Web) -> None:
    parts = [b"x" * 65_535 + b"\xc3", b"\xa4" + b"\xff", "\U0001f600".encode() * 40_000, b"\xf0\x9f"]
    script = NAMED + b"".join(parts)
    site.pages |= {"/app.js": ok(script, SourceMap="app.js.map"), "/app.js.map": ok(MAP)}
    assert fetch(f"{site.url}/app.js") == Fetched(script.decode("utf-8", "replace").encode(), MAP)


def test_script_and_map_share_the_time(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TOTAL_SECONDS", 0.8)
    site.pages["/app.js"] = dripping(b"", ok(NAMED), seconds=0.5)
    site.pages["/app.js.map"] = dripping(b"", ok(MAP), seconds=0.5)
    assert fetch(f"{site.url}/app.js") == Failure("JavaScript", "Timeout", (f"{site.url}/app.js.map",))


def test_nothing_is_fetched_where_operators_do_not_want_it(site: Web, settings: Settings) -> None:
    assert fetching.is_on()  # by the fixture
    settings.FETCH_SOURCE_MAPS = False
    assert not fetching.is_on()
    url = f"{site.url}/app.js"
    assert fetch(url) == Failure("JavaScript", "NoSourcemap", (url,))
    assert site.asked == []
