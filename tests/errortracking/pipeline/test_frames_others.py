"""Ruby, PHP, Go, Java, Dart, Hermes and custom frames: ids worked out by hand, and what is shown."""

from __future__ import annotations

import pytest

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.frames.base import Malformed

COMMON = {"in_app": True, "resolved": True, "synthetic": False, "suspicious": False}


def frame(platform: str, **fields: object) -> Frame:
    (found,) = frames.resolve_frame(frames.read({"platform": platform, **fields}))
    return found


def shown(one: Frame) -> dict[str, object]:
    return {key: value for key, value in one.contents.items() if key not in ("raw_id", "junk_drawer")}


# --- the registry -------------------------------------------------------------------------------------------


def test_every_platform_that_is_known() -> None:
    assert set(frames.PLATFORMS) == {
        "apple",
        "custom",
        "dart",
        "go",
        "hermes",
        "java",
        "javascript",
        "native",
        "node:javascript",
        "php",
        "python",
        "ruby",
        "rust",
        "web:javascript",
    }


# --- ruby ---------------------------------------------------------------------------------------------------


def test_ruby() -> None:
    one = frame(
        "ruby",
        filename="app.rb",
        function="call",
        lineno=256,
        context_line="raise",
        pre_context=["a"],
        post_context=["b"],
    )
    # raise ‖ app.rb ‖ call ‖ 00 00 01 00 ‖ a ‖ b
    assert one.raw_id[:32] == "cddf82daa5a2ee0fc8f09dade6464a7d"
    assert shown(one) == {
        **COMMON,
        "lang": "ruby",
        "mangled_name": "call",
        "resolved_name": "call",
        "source": "app.rb",
        "line": 256,
    }
    assert one.context == {
        "before": [{"number": 255, "line": "a"}],
        "line": {"number": 256, "line": "raise"},
        "after": [{"number": 257, "line": "b"}],
    }
    assert "junk_drawer" not in one.contents


# --- php ----------------------------------------------------------------------------------------------------


def test_php_with_nothing_but_a_line() -> None:
    one = frame("php", lineno=3)
    # 00 00 00 03
    assert one.raw_id[:32] == "c9097680d1b36d980d54a25045aa170e"
    assert shown(one) == {**COMMON, "lang": "php", "mangled_name": "<unknown>", "line": 3}


def test_php_with_names() -> None:
    one = frame("php", filename="a.php", function="run")
    assert shown(one) == {**COMMON, "lang": "php", "mangled_name": "run", "resolved_name": "run", "source": "a.php"}


# --- go -----------------------------------------------------------------------------------------------------


def test_go() -> None:
    one = frame("go", filename="main.go", function="main.run", lineno=9)
    # main.go ‖ main.run ‖ 00 00 00 09
    assert one.raw_id[:32] == "4fdf57edcc3915e1478c36399e0b893c"
    assert shown(one) == {
        **COMMON,
        "lang": "go",
        "mangled_name": "main.run",
        "resolved_name": "main.run",
        "source": "main.go",
        "line": 9,
    }


# --- java ---------------------------------------------------------------------------------------------------


def test_java_hashes_its_line_in_eight_bytes() -> None:
    one = frame("java", filename="A.java", function="run", lineno=10, module="com.a.A", map_id="map-1")
    # A.java ‖ run ‖ 00 00 00 00 00 00 00 0a ‖ com.a.A
    assert one.raw_id[:32] == "2998a08bc607e9957237c4925fd8f491"
    assert shown(one) == {
        **COMMON,
        "lang": "java",
        "mangled_name": "run",
        "module": "com.a.A",
        "source": "A.java",
        "line": 10,
        "resolved": False,
        "resolve_failure": "No proguard map uploaded for id: map-1",
    }
    assert one.symbol_refs == ("map-1",)
    assert one.contents["junk_drawer"] == {
        "raw_frame": {
            "filename": "A.java",
            "function": "run",
            "lineno": 10,
            "module": "com.a.A",
            "map_id": "map-1",
            "in_app": True,
            "synthetic": False,
        }
    }


def test_java_without_a_map() -> None:
    one = frame("java", function="run", module="com.a.A")
    # run ‖ 00 00 00 00 00 00 00 00 ‖ com.a.A
    assert one.raw_id[:32] == "0a6c698d233f12185db9af7c5e260135"
    assert one.contents["resolve_failure"] == "No map ID sent with frame"
    assert (one.resolved, one.symbol_refs) == (False, ())


def test_java_lines_may_have_64_bits_and_no_more() -> None:
    assert frame("java", function="run", module="A", lineno=0).contents["line"] == 0
    assert frame("java", function="run", module="A", lineno=2**64 - 1).contents["line"] == 18446744073709551615
    with pytest.raises(Malformed, match="integer `18446744073709551616`, expected u64 for `lineno`"):
        frame("java", function="run", module="A", lineno=2**64)


# --- dart ---------------------------------------------------------------------------------------------------


def test_dart() -> None:
    one = frame(
        "dart", filename="a.dart", package="pkg", function="f", lineno=1, colno=2, abs_path="package:pkg/a.dart"
    )
    # a.dart ‖ pkg ‖ f ‖ 00 00 00 01 ‖ 00 00 00 02
    assert one.raw_id[:32] == "6ac6a846a361a308a34c7ff37fcd4a4f"
    assert shown(one) == {
        **COMMON,
        "lang": "dart",
        "mangled_name": "f",
        "resolved_name": "f",
        "source": "package:pkg/a.dart",
        "line": 1,
        "column": 2,
    }


def test_dart_without_a_function_has_an_empty_name() -> None:
    one = frame("dart", abs_path="x")
    assert (one.contents["mangled_name"], one.contents["resolved_name"]) == ("", "")


# --- hermes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["chunk_id", "chunkId"])
def test_hermes(key: str) -> None:
    one = frame("hermes", filename="address at index.bundle", function="f", colno=42, **{key: "chunk-1"})
    # f ‖ address at index.bundle ‖ 42 ‖ chunk-1
    assert one.raw_id[:32] == "463db8c777609438842cd92fe2a85a30"
    assert shown(one) == {
        **COMMON,
        "lang": "javascript",
        "mangled_name": "f",
        "source": "address at index.bundle",
        "line": 1,
        "column": 42,
        "resolved": False,
        "resolve_failure": "No sourcemap uploaded for chunk id: chunk-1",
    }
    assert one.symbol_refs == ("chunk-1",)


def test_hermes_without_a_chunk_id() -> None:
    assert frame("hermes", filename="x", function="f").contents["resolve_failure"] == "No chunk id sent with frame"


# --- custom -------------------------------------------------------------------------------------------------


def test_custom_lines_are_sent_nearest_first() -> None:
    one = frame(
        "custom",
        lang="elixir",
        function="f",
        filename="a.ex",
        lineno=1,
        colno=2,
        module="A",
        context_line="x",
        pre_context=["pre"],
        post_context=["apost"],
        resolved=True,
    )
    # x ‖ a.ex ‖ f ‖ 00 00 00 01 ‖ 00 00 00 02 ‖ elixir ‖ true ‖ A ‖ pre ‖ apost
    assert one.raw_id[:32] == "bcf6a86c35d75839ee9ec2f675ad3484"
    assert shown(one) == {
        **COMMON,
        "lang": "elixir",
        "mangled_name": "f",
        "resolved_name": "f",
        "source": "a.ex",
        "module": "A",
        "line": 1,
        "column": 2,
    }
    several = frame("custom", lang="x", function="f", lineno=9, context_line="x", pre_context=list("abcdefghijklmn"))
    assert several.context is not None
    assert [(line["number"], line["line"]) for line in several.context["before"]][:2] == [(8, "a"), (7, "b")]
    assert len(several.context["before"]) == 10
    after = frame("custom", lang="x", function="f", lineno=9, context_line="x", post_context=list("abcdefghijklmn"))
    assert after.context is not None
    assert [(line["number"], line["line"]) for line in after.context["after"]] == [
        (10 + place, letter) for place, letter in enumerate("abcdefghij")
    ]


def test_custom_frames_are_not_resolved_unless_they_say_so() -> None:
    one = frame("custom", lang="elixir", function="f")
    # f ‖ 00 00 00 00 ‖ 00 00 00 00 ‖ elixir ‖ false
    assert one.raw_id[:32] == "d910b1da9c6a7e00c2c2a0fe8f493a7b"
    assert (one.resolved, one.contents["resolved"], one.contents["resolved_name"]) == (False, False, "f")
