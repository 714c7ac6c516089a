"""What frames ask of symbol sets, and what each language makes of an answer (pipeline 2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Kind, Original, Position, Wish

URL = "https://a.test/static/app.js"
WEB = {"platform": "web:javascript", "function": "t", "filename": URL, "lineno": 1, "colno": 4711}
NODE = {"platform": "node:javascript", "function": "t", "filename": "/srv/app.js", "lineno": 1, "colno": 4711}
HERMES = {"platform": "hermes", "function": "t", "filename": "index.bundle", "colno": 4711}
JAVA = {"platform": "java", "function": "a", "module": "x.b", "filename": "SourceFile", "lineno": 7}
PLACE = Original("src/cart.ts", 3, 9, "pay")


def wish(sent: dict[str, Any]) -> Wish | None:
    wants = frames.PLATFORMS[sent["platform"]].wants
    assert wants is not None
    return wants(frames.read(sent))


def answered(sent: dict[str, Any], answer: Answer) -> list[Frame]:
    symbolicated = frames.PLATFORMS[sent["platform"]].symbolicated
    assert symbolicated is not None
    return symbolicated(frames.read(sent), "id", answer)


def one(sent: dict[str, Any], *places: Original) -> Frame:
    (frame,) = answered(sent, places)
    return frame


# --- what is asked
# ------------------------------------------------------------------------------------------------------


def test_a_web_frame_asks_by_its_url() -> None:
    assert wish(WEB) == Wish((URL,), Position(Kind.JAVASCRIPT, 1, 4711, "t"), URL)


def test_a_web_frame_asks_by_its_chunk_id_first() -> None:
    assert wish({**WEB, "chunkId": "c1"}) == Wish(("c1", URL), Position(Kind.JAVASCRIPT, 1, 4711, "t"), URL)


def test_a_position_behind_the_url_is_no_part_of_it() -> None:
    found = wish({**WEB, "filename": f"{URL}:1:4711"})
    assert found is not None
    assert (found.refs, found.url) == ((URL,), URL)


@pytest.mark.parametrize(
    "filename", ["<anonymous>", "/static/app.js", "file:///app.js", "webpack-internal:///a.js", None]
)
def test_a_web_frame_that_was_not_loaded_over_http_asks_by_its_chunk_id_alone(filename: str | None) -> None:
    assert wish({**WEB, "filename": filename}) is None
    assert wish({**WEB, "filename": filename, "chunk_id": "c1"}) == Wish(
        ("c1",), Position(Kind.JAVASCRIPT, 1, 4711, "t"), None
    )


def test_a_web_frame_without_a_location_asks_nothing() -> None:
    assert wish({**WEB, "lineno": None, "chunk_id": "c1"}) is None


def test_a_url_that_is_too_long_to_be_a_key_is_not_fetched() -> None:
    found = wish({**WEB, "filename": "https://a.test/" + "x" * 3000})
    assert found is not None
    assert found.refs == ("https://a.test/" + "x" * 2033,)
    assert found.url is None


def test_a_chunk_id_is_cut_to_the_length_of_a_key() -> None:
    found = wish({**NODE, "chunk_id": "c" * 3000})
    assert found is not None
    assert found.refs == ("c" * 2048,)


def test_a_node_frame_asks_by_its_chunk_id_if_it_has_a_place() -> None:
    assert wish({**NODE, "chunk_id": "c1"}) == Wish(("c1",), Position(Kind.JAVASCRIPT, 1, 4711, "t"))
    assert wish(NODE) is None
    assert wish({**NODE, "chunk_id": "c1", "colno": None}) is None


def test_a_hermes_frame_asks_by_chunk_id_and_column() -> None:
    assert wish({**HERMES, "chunk_id": "c1"}) == Wish(("c1",), Position(Kind.HERMES, 1, 4711, "t"))
    assert wish(HERMES) is None


def test_a_java_frame_asks_by_map_id_class_method_and_line() -> None:
    asked = Position(Kind.PROGUARD, 7, 0, "a", "x.b")
    assert wish({**JAVA, "map_id": "m1"}) == Wish(("m1",), asked)
    assert wish(JAVA) is None
    without = wish({**JAVA, "map_id": "m1", "lineno": None})
    assert without is not None
    assert without.position.line == 0


@pytest.mark.parametrize("tag", ["python", "ruby", "php", "go", "dart", "custom", "native", "apple"])
def test_other_languages_ask_nothing(tag: str) -> None:
    assert (frames.PLATFORMS[tag].wants, frames.PLATFORMS[tag].asks) == (None, ())


# --- what is made of an answer
# ------------------------------------------------------------------------------------------------------


def test_a_web_frame_stands_where_the_map_says() -> None:
    frame = one({**WEB, "in_app": False, "chunk_id": "c1"}, PLACE)
    assert frame.contents == {
        "raw_id": "id/0",
        "mangled_name": "t",
        "resolved_name": "pay",
        "source": "src/cart.ts",
        "line": 3,
        "column": 9,
        "in_app": True,  # the map knows better than the SDK
        "lang": "javascript",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {
            "raw_frame": {
                "function": "t",
                "filename": URL,
                "lineno": 1,
                "colno": 4711,
                "chunk_id": "c1",
                "in_app": False,
                "synthetic": False,
            }
        },
    }
    assert (frame.resolved, frame.context, frame.missing_ref) == (True, None, None)


@pytest.mark.parametrize("sent", [WEB, {**NODE, "chunk_id": "c1"}, {**HERMES, "chunk_id": "c1"}])
def test_javascript_of_a_dependency_is_not_in_app(sent: dict[str, Any]) -> None:
    assert one(sent, PLACE).contents["in_app"] is True
    assert one(sent, Original("../node_modules/react/index.js", 1, 1, "f")).contents["in_app"] is False


def test_where_the_map_names_no_file_the_sdk_says_whether_a_frame_is_in_app() -> None:
    assert one({**WEB, "in_app": False}, Original(None, 3, 9, "pay")).contents["in_app"] is False
    assert one(WEB, Original(None, 3, 9, "pay")).contents["in_app"] is True


def test_a_node_frame_that_is_not_in_app_stays_so() -> None:
    chunk = {**NODE, "chunk_id": "c1"}
    assert one({**chunk, "in_app": False}, PLACE).contents["in_app"] is False
    assert one({**chunk, "filename": "/srv/node_modules/a.js"}, PLACE).contents["in_app"] is False
    assert one(chunk, Original("node:internal/process", 1, 1, "f")).contents["in_app"] is False


def test_a_node_frame_keeps_its_module() -> None:
    assert one({**NODE, "chunk_id": "c1", "module": "app"}, PLACE).contents["module"] == "app"


def test_code_of_our_own_sdk_is_suspicious() -> None:
    ours = Original("../node_modules/.pnpm/posthog-js@1.449.2/node_modules/posthog-js/lib/src/a.ts", 1, 1, "f")
    assert one(WEB, ours).contents["suspicious"] is True
    assert one(WEB, PLACE).contents["suspicious"] is False


def test_a_place_without_a_name_leaves_the_minified_one() -> None:
    frame = one(WEB, Original("src/cart.ts", 3, 9))
    assert "resolved_name" not in frame.contents
    assert (frame.contents["mangled_name"], frame.resolved) == ("t", True)


def test_the_context_is_ascending_on_both_sides_and_its_lines_are_cut() -> None:
    lines: Any = {
        "before": [{"number": 1, "line": "a"}, {"number": 2, "line": "b"}],
        "line": {"number": 3, "line": "x" * 301},
        "after": [{"number": 4, "line": "nul\0"}],
    }
    assert one(WEB, Original("a.ts", 3, 9, "pay", context=lines)).context == {
        "before": [{"number": 1, "line": "a"}, {"number": 2, "line": "b"}],
        "line": {"number": 3, "line": "x" * 300 + "...✂️"},
        "after": [{"number": 4, "line": "nul\ufffd"}],
    }


def test_names_that_cannot_be_stored_are_cleaned_and_cut() -> None:
    contents = one(WEB, Original("\0a\ud800.ts", 3, 9, "n" * 5000)).contents
    assert contents["source"] == "\ufffda\ufffd.ts"
    assert contents["resolved_name"] == "n" * 4093 + "..."


def test_a_java_frame_is_as_many_as_were_inlined_outermost_first() -> None:
    places = (
        Original("Cart.kt", 12, None, "checkout", "com.shop.Cart"),
        Original("Price.kt", 90, None, "total", "com.shop.Price"),
    )
    outer, inner = answered({**JAVA, "map_id": "m1"}, places)
    assert outer.contents == {
        "raw_id": "id/0",
        "mangled_name": "a",
        "resolved_name": "checkout",
        "source": "Cart.kt",
        "module": "com.shop.Cart",
        "line": 12,
        "in_app": True,
        "lang": "java",
        "resolved": True,
        "synthetic": False,
        "suspicious": False,
        "junk_drawer": {
            "raw_frame": {
                "function": "a",
                "module": "x.b",
                "filename": "SourceFile",
                "lineno": 7,
                "map_id": "m1",
                "in_app": True,
                "synthetic": False,
            }
        },
    }
    assert (inner.part, inner.contents["raw_id"], inner.contents["resolved_name"]) == (1, "id/1", "total")


@pytest.mark.parametrize(
    ("sent_in_app", "map_id", "module", "in_app"),
    [
        (False, "com.shop@1.0+3", "com.shop.Cart", True),
        (False, "com.shop@1.0+3", "com.shop", True),
        (False, "com.shop@1.0+3", "com.shopping.Cart", False),
        (False, "com.shop@1.0+3", "androidx.app.Activity", False),
        (False, "some-id", "com.shop.Cart", False),
        (False, "@1.0", "com.shop.Cart", False),
        (True, "com.shop@1.0+3", "androidx.app.Activity", True),
    ],
)
def test_a_java_frame_of_the_applications_own_package_is_in_app(
    sent_in_app: bool, map_id: str, module: str, in_app: bool
) -> None:
    sent = {**JAVA, "map_id": map_id, "in_app": sent_in_app}
    assert one(sent, Original("A.kt", 1, None, "f", module)).contents["in_app"] is in_app


def test_a_hermes_frame_without_a_column_is_native_where_its_map_is_there() -> None:
    native = {**HERMES, "chunk_id": "c1", "colno": None}
    (frame,) = answered(native, Failure("Hermes", "NoTokenForColumn", (0, "c1")))
    assert (frame.resolved, frame.missing_ref) == (True, None)
    assert frame.contents["resolved_name"] == "t"
    assert "line" not in frame.contents
    assert answered({**native, "filename": "<anonymous>"}, (PLACE,))[0].contents["in_app"] is False


# --- failures
# ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "column", "resolved"),
    [
        (Failure("JavaScript", "NoSourcemap", (URL,)), 300, True),
        (Failure("JavaScript", "NoSourcemap", (URL,)), 301, False),
        (Failure("JavaScript", "HttpStatus", (404, URL)), 1, False),
        (Failure("JavaScript", "TokenNotFound", ("t", 1, 1)), 1, False),
        (Failure("JavaScript", "NoSourceUrl"), 4711, True),
        (Failure("JavaScript", "NoUrlOrChunkId"), 4711, True),
    ],
)
def test_a_web_frame_that_failed_is_unresolved_unless_it_was_hardly_minified(
    failure: Failure, column: int, resolved: bool
) -> None:
    (frame,) = answered({**WEB, "colno": column, "chunk_id": "c1"}, failure)
    assert frame.resolved is frame.contents["resolved"] is resolved
    assert frame.contents.get("resolved_name") == ("t" if resolved else None)
    assert frame.contents["resolve_failure"] == failure.text
    assert frame.contents["source"] == "/static/app.js"
    assert (frame.missing_ref, frame.symbol_refs, frame.platform) == ("c1", ("c1", URL), "web:javascript")


def test_a_hermes_frame_that_failed_is_on_line_one() -> None:
    (frame,) = answered({**HERMES, "chunk_id": "c1"}, Failure("Hermes", "NoTokenForColumn", (4711, "c1")))
    assert (frame.contents["line"], frame.contents["column"], frame.resolved) == (1, 4711, False)
    assert frame.contents["resolve_failure"] == "No token for column 4711 on chunk c1"
    assert (frame.missing_ref, frame.platform) == ("c1", "hermes")


def test_a_java_frame_that_failed_keeps_its_names() -> None:
    (frame,) = answered({**JAVA, "map_id": "m1"}, Failure("Proguard", "NoOriginalFrames"))
    assert frame.contents["resolve_failure"] == "No original frames could be derived from this raw frame"
    assert (frame.contents["module"], frame.contents["line"], frame.resolved) == ("x.b", 7, False)
    assert (frame.missing_ref, frame.platform) == ("m1", "java")
