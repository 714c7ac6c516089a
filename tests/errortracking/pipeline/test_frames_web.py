"""Frames of browsers, from what their SDK sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.frames import javascript, symbolic

WIRE = Path(__file__).parents[2] / "data" / "wire"
WEB = {"platform": "web:javascript", "function": "f"}
URL = "https://a.test/static/app.js"


def web(**fields: object) -> Frame:
    (frame,) = frames.resolve_frame(frames.read({**WEB, **fields}))
    return frame


# --- web: identity ------------------------------------------------------------------------------------------


def test_a_web_id_is_the_hash_of_function_line_column_and_url() -> None:
    # SHA-512 of: f ‖ 10 ‖ 200 ‖ http://a.test/b.js
    assert web(filename="http://a.test/b.js", lineno=10, colno=200).raw_id[:32] == "599aab5de933a330b6445834f720eb0b"


def test_without_a_location_and_a_url_only_the_function_is_left() -> None:
    # SHA-512 of: f
    assert web().raw_id[:32] == "711c22448e721e5491d8245b49425aa8"


@pytest.mark.parametrize(
    "half", [{"lineno": 10}, {"colno": 5}, {"lineno": 10, "colno": None}, {"lineno": -1, "colno": 5}]
)
def test_half_a_location_is_none(half: dict[str, object]) -> None:
    frame = web(**half)
    assert frame.raw_id == web().raw_id
    assert "line" not in frame.contents
    assert "column" not in frame.contents


@given(st.booleans(), st.booleans(), st.none() | st.text(max_size=5))
def test_a_web_id_depends_on_nothing_else(in_app: bool, synthetic: bool, chunk_id: str | None) -> None:
    sent: dict[str, object] = {"filename": URL, "lineno": 1, "colno": 2}
    assert web(**sent, in_app=in_app, synthetic=synthetic, chunk_id=chunk_id).raw_id == web(**sent).raw_id


def test_the_legacy_platform_tag_means_the_same() -> None:
    assert web(platform="javascript", filename=URL).contents == web(filename=URL).contents


# --- web: without a location --------------------------------------------------------------------------------


def test_a_frame_without_a_location_is_what_it_says() -> None:
    frame = web(filename=URL)
    assert frame.contents == {
        "raw_id": f"{frame.raw_id}/0",
        "mangled_name": "f",
        "source": "/static/app.js",
        "in_app": True,
        "resolved_name": "f",
        "lang": "javascript",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {"raw_frame": {"filename": URL, "function": "f", "in_app": True, "synthetic": False}},
    }
    assert (frame.resolved, frame.context, frame.symbol_refs) == (True, None, ())


def test_an_anonymous_frame_is_not_the_application() -> None:
    frame = web(filename="<anonymous>", in_app=True)
    assert frame.contents["in_app"] is False
    assert "source" not in frame.contents


# --- web: with a location -----------------------------------------------------------------------------------


def test_a_located_frame_without_a_map_has_failed() -> None:
    frame = web(filename=URL, lineno=1, colno=301)
    assert frame.contents == {
        "raw_id": f"{frame.raw_id}/0",
        "mangled_name": "f",
        "line": 1,
        "column": 301,
        "source": "/static/app.js",
        "in_app": True,
        "lang": "javascript",
        "resolved": False,
        "resolve_failure": "Could not find sourcemap for source url: https://a.test/static/app.js",
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {
            "raw_frame": {
                "filename": URL,
                "function": "f",
                "lineno": 1,
                "colno": 301,
                "in_app": True,
                "synthetic": False,
            }
        },
    }
    assert frame.resolved is False
    assert frame.symbol_refs == (URL,)


def test_up_to_column_three_hundred_it_is_taken_for_readable() -> None:
    frame = web(filename=URL, lineno=1, colno=300)
    assert frame.resolved is True
    assert frame.contents["resolved_name"] == "f"
    assert frame.contents["resolve_failure"] == f"Could not find sourcemap for source url: {URL}"


def test_a_chunk_id_without_an_upload_has_failed_at_every_column() -> None:
    frame = web(filename=URL, lineno=1, colno=5, chunk_id="0198-chunk")
    assert frame.resolved is False
    assert "resolved_name" not in frame.contents
    assert frame.contents["resolve_failure"] == "No sourcemap uploaded for chunk id: 0198-chunk"
    assert frame.symbol_refs == ("0198-chunk", URL)


def test_a_chunk_id_is_looked_up_where_the_url_cannot_be() -> None:
    frame = web(filename="file:///srv/app.js", lineno=1, colno=5, chunkId="c1")
    assert frame.symbol_refs == ("c1",)
    assert frame.contents["resolve_failure"] == "No sourcemap uploaded for chunk id: c1"


@pytest.mark.parametrize(
    "filename", [None, "", "file:///srv/app.mjs", "/relative.js", "<anonymous>", "http://", "http://[bad/x"]
)
def test_what_cannot_be_looked_up_at_all_is_taken_for_readable(filename: str | None) -> None:
    frame = web(filename=filename, lineno=1, colno=9999)
    assert frame.resolved is True
    assert frame.contents["resolved_name"] == "f"
    assert frame.contents["resolve_failure"] == "This frame had no source url or chunk id"
    assert "source" not in frame.contents
    assert frame.symbol_refs == ()


def test_what_the_client_said_of_in_app_is_kept() -> None:
    assert web(filename=URL, lineno=1, colno=1, in_app=False).contents["in_app"] is False


# --- web: addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "url", "path"),
    [
        ("http://a.test/b.js:1:2", "http://a.test/b.js", "/b.js"),
        ("http://a.test/b.js:1", "http://a.test/b.js", "/b.js"),
        ("http://a.test:8080/b.js:10:20", "http://a.test:8080/b.js", "/b.js"),
        ("http://a.test:8080", "http://a.test:8080", "/"),
        ("http://a.test/x:y.js", "http://a.test/x:y.js", "/x:y.js"),
        ("https://a.test/b.js?v=1#top", "https://a.test/b.js?v=1#top", "/b.js"),
        ("https://a.test/ö b.js", "https://a.test/ö b.js", "/%C3%B6%20b.js"),
        ("https://a.test/%20.js", "https://a.test/%20.js", "/%20.js"),
    ],
)
def test_a_script_is_known_by_its_url_without_the_position(filename: str, url: str, path: str) -> None:
    assert javascript.script_url(filename) == (url, path)


def test_the_reference_of_a_symbol_set_is_cut_at_2048_bytes_between_characters() -> None:
    url = "https://a.test/" + "é" * 2000
    (reference,) = web(filename=url, lineno=1, colno=1).symbol_refs
    assert reference == "https://a.test/" + "é" * 1016  # 15 + 2032 = 2047 bytes; half of the next would be left
    assert symbolic.reference("https://a.test/" + "e" * 2033) == "https://a.test/" + "e" * 2033


def test_a_url_of_megabytes_is_cut_before_it_is_taken_apart() -> None:
    """Python remembers the last 128 URLs that it has taken apart, however long they are."""
    found = javascript.script_url("https://h/" + "x" * 1_000_000 + "?q:1:2")
    assert found == ("https://h/" + "x" * 4086, "/" + "x" * 4086)


@pytest.mark.parametrize("tag", ["web:javascript", "node:javascript", "hermes"])
def test_a_function_of_megabytes_is_cut_where_a_failure_may_quote_it(tag: str) -> None:
    wants = frames.PLATFORMS[tag].wants
    assert wants is not None
    raw = frames.read(
        {"platform": tag, "filename": "a.js", "function": "f" * 1_000_000, "lineno": 1, "colno": 2, "chunk_id": "c"}
    )
    wish = wants(raw)
    assert wish is not None
    assert wish.position.function == "f" * 4093 + "..."


def test_every_frame_that_the_real_browser_sdk_sent_is_resolved() -> None:
    sent = _sent("js")
    assert len(sent) > 20
    for one in sent:
        frame = web(**one)
        assert frame.resolved is True  # all are file:// or without a location
        assert frame.contents.get("line") == one.get("lineno")


def _sent(sdk: str) -> list[dict[str, Any]]:
    requests = json.loads((WIRE / f"{sdk}.json").read_text())["requests"]
    bodies = [request["body"] for request in requests if isinstance(request["body"], dict)]
    events = [event for body in bodies for event in body.get("batch", [])]
    lists = [event["properties"].get("$exception_list", []) for event in events]
    return [frame for exceptions in lists for one in exceptions for frame in one["stacktrace"]["frames"]]
