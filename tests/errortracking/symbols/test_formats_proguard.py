"""Frames of shortened Java and Kotlin programs: their classes, methods, files and lines as they were written."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base, proguard
from errortracking.symbols.lookups import Answer, Kind, Original, Position

MAPPING = """\
# compiler: R8
# compiler_version: 8.5.35
com.example.shop.CartActivity -> a.a:
# {"id":"sourceFile","fileName":"CartActivity.kt"}
    1:1:void check(int):41:41 -> a
    1:1:void pay():52:52 -> a
    1:1:void onCreate(android.os.Bundle):20:20 -> a
    2:6:void refresh():60:64 -> b
    void onStop() -> c
com.example.shop.Repository -> a.b:
    10:12:java.lang.String com.example.net.Loader.load(int):100:102 -> a
    10:12:void fetch():33 -> a
com.example.shop.Order$Line -> a.c:
    long amount -> a
    3:3:void <init>(long):9:9 -> <init>
"""


def find(module: str, function: str, line: int, mapping: str = MAPPING) -> Answer:
    parsed = proguard.parse(Contents(Kind.PROGUARD, mapping.encode()))
    return parsed.find(Position(Kind.PROGUARD, line, 0, function, module), "ref")


def test_class_method_file_and_line_are_the_original_ones() -> None:
    assert find("a.a", "b", 4) == (
        Original(source="CartActivity.kt", line=62, name="refresh", module="com.example.shop.CartActivity"),
    )


def test_what_was_inlined_is_several_frames_outermost_first() -> None:
    activity = "com.example.shop.CartActivity"
    assert find("a.a", "a", 1) == (
        Original(source="CartActivity.kt", line=20, name="onCreate", module=activity),
        Original(source="CartActivity.kt", line=52, name="pay", module=activity),
        Original(source="CartActivity.kt", line=41, name="check", module=activity),
    )


def test_what_was_inlined_may_come_of_another_class() -> None:
    assert find("a.b", "a", 11) == (
        Original(line=33, name="fetch", module="com.example.shop.Repository"),
        Original(line=101, name="load", module="com.example.net.Loader"),
    )


@pytest.mark.parametrize("line", [0, 5])
def test_a_method_without_lines_has_none(line: int) -> None:
    assert find("a.a", "c", line) == (
        Original(source="CartActivity.kt", line=None, name="onStop", module="com.example.shop.CartActivity"),
    )


def test_constructors_and_inner_classes_are_found() -> None:
    assert find("a.c", "<init>", 3) == (Original(line=9, name="<init>", module="com.example.shop.Order$Line"),)


@pytest.mark.parametrize(
    ("module", "function", "line"),
    [
        ("b.b", "a", 1),  # no such class
        ("a.a", "x", 1),  # no such method
        ("a.a", "b", 99),  # no such line
        ("", "", 0),
        ("a.a", "b", 2**40),
        ("a.a", "b", -(2**40)),
        ("a\0a", "b\0", 4),
    ],
)
def test_a_frame_that_the_mapping_does_not_know_is_not_found(module: str, function: str, line: int) -> None:
    answer = find(module, function, line)
    assert answer == Failure("Proguard", "NoOriginalFrames")
    assert isinstance(answer, Failure)
    assert answer.text == "No original frames could be derived from this raw frame"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_either_line_end_will_do(end: str) -> None:
    answer = find("a.a", "b", 4, MAPPING.replace("\n", end))
    assert isinstance(answer, tuple)
    assert [(original.name, original.line) for original in answer] == [("refresh", 62)]


@pytest.mark.parametrize(
    "mapping",
    [
        "",
        "# compiler: R8\n",
        "no mapping\n",
        '{"version":3,"mappings":"AAAA"}',
        "    void a():1:1 -> b\n",
        "a -> b\n",
        "# com.example.shop.CartActivity -> a.a:\n",
        "<html>\n<title>Not found</title>",
    ],
)
def test_a_text_that_names_no_class_is_no_mapping(mapping: str) -> None:
    with pytest.raises(base.Invalid) as refused:
        proguard.parse(Contents(Kind.PROGUARD, mapping.encode()))
    assert refused.value.failure.text == "Invalid mapping: it names no class"


@pytest.mark.parametrize("mapping", ["a -> b " * 500_000, "a" * 5_000_000, " -> " * 500_000 + ":" * 500_000 + "\n #x"])
def test_a_line_that_is_the_whole_file_is_looked_at_once(mapping: str) -> None:
    with pytest.raises(base.Invalid):
        proguard.parse(Contents(Kind.PROGUARD, mapping.encode()))


def test_no_file_is_left_open_or_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))
    kept = [proguard.parse(Contents(Kind.PROGUARD, MAPPING.encode())) for _ in range(20)]
    assert len(os.listdir("/proc/self/fd")) == before
    assert all(isinstance(mapping.find(Position(Kind.PROGUARD, 4, 0, "b", "a.a"), "ref"), tuple) for mapping in kept)


_LINES = st.sampled_from(
    [
        *MAPPING.splitlines(),
        "a -> a.a:",
        "    1:0:void x():0 -> a",
        "    9999999999999:1:void y():1:1 -> a",
        "#",
        "    ",
        "    1:1:void x():99999999999999999999 -> a",
        '# {"id":"sourceFile","fileName":"',
        " -> :",
        "    void  -> ",
    ]
)


@given(st.lists(_LINES | st.text(max_size=30), max_size=20).map("\n".join), st.integers())
def test_no_mapping_does_anything_but_answer_or_fail(mapping: str, line: int) -> None:
    try:
        answer = find("a.a", "a", line, mapping)
    except base.Invalid:
        return
    assert isinstance(answer, Failure | tuple)
