"""The canonical order of exceptions and frames, and the order before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errortracking.pipeline import order
from errortracking.pipeline.exceptions import Frame, ParsedException, RawFrame

CRASH_FIRST = ["posthog-android", "posthog-flutter", "posthog-elixir", "posthog-java", "posthog-server"]


def raw(function: str) -> RawFrame:
    return {"platform": "go", "in_app": True, "synthetic": False, "function": function}


def frame(function: str, part: int = 0) -> Frame:
    contents = {"raw_id": f"{function}/{part}", "mangled_name": function, "in_app": True, "lang": "go"}
    return Frame(function, part, {**contents, "resolved": True, "synthetic": False, "suspicious": False}, None, True)  # type: ignore[typeddict-item]


def exception(type_: str, *functions: str) -> ParsedException:
    return ParsedException(id=type_, type=type_, stack="raw", raw_frames=[raw(name) for name in functions])


def shape(exceptions: list[ParsedException]) -> list[tuple[str, list[str]]]:
    return [(one.type, [sent["function"] for sent in one.raw_frames]) for one in exceptions]


# --- versions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", (1, 2, 3)),
        ("v1.2.3", (1, 2, 3)),
        ("V1.2", (1, 2, 0)),
        ("1", (1, 0, 0)),
        (" 7.31.0 ", (7, 31, 0)),
        ("1.2.3-beta.1", (1, 2, 3)),
        ("1.2.3+build.5", (1, 2, 3)),
        ("1.2-rc", (1, 2, 0)),
        ("7.31.0rc1", (7, 31, 0)),
        ("7.31.0.dev3", (7, 31, 0)),
        ("7.31.0.post1", (7, 31, 0)),
    ],
)
def test_a_version_is_three_numbers_however_it_is_written(text: str, version: tuple[int, int, int]) -> None:
    assert order.read_version(text) == version


@pytest.mark.parametrize(
    "text", [None, "", "garbage", "dev-main", "1.", ".1", "1..2", "1.2.3.4", "1.x", "٣.1.0", "9" * 5000]
)
def test_anything_else_is_unreadable(text: str | None) -> None:
    assert order.read_version(text) is None


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lib", CRASH_FIRST)
@pytest.mark.parametrize("version", [None, "0.1.0", "99.0.0", "garbage"])
def test_sdks_that_never_flipped_have_their_frames_reversed_in_every_version(lib: str, version: str | None) -> None:
    exceptions = [exception("Outer", "crash", "middle", "entry"), exception("Root", "b", "a")]
    order.canonical(exceptions, lib, version)
    assert shape(exceptions) == [("Outer", ["entry", "middle", "crash"]), ("Root", ["a", "b"])]


@pytest.mark.parametrize(
    ("lib", "last_old", "first_new"),
    [
        ("posthog-php", "4.10.99", "4.11.0"),
        ("posthog-go", "1.18.9", "1.19.0"),
        ("posthog-rs", "0.18.9", "0.19.0"),
    ],
)
def test_sdks_that_flipped_have_their_frames_reversed_below_the_version(
    lib: str, last_old: str, first_new: str
) -> None:
    for version, frames in [
        (last_old, ["a", "b"]),
        ("garbage", ["a", "b"]),
        (None, ["a", "b"]),
        (first_new, ["b", "a"]),
    ]:
        exceptions = [exception("E", "b", "a")]
        order.canonical(exceptions, lib, version)
        assert shape(exceptions) == [("E", frames)], version


@pytest.mark.parametrize(
    ("version", "types"),
    [
        ("7.30.0", ["Outer", "Root"]),
        ("6.7.7", ["Outer", "Root"]),
        (None, ["Outer", "Root"]),
        ("7.31.0", ["Root", "Outer"]),
        ("7.91.1", ["Root", "Outer"]),
        ("8", ["Root", "Outer"]),
    ],
)
def test_python_has_its_list_reversed_below_7_31_and_its_frames_never(version: str | None, types: list[str]) -> None:
    exceptions = [exception("Root", "entry", "crash"), exception("Outer", "entry", "wrap")]
    order.canonical(exceptions, "posthog-python", version)
    assert [one.type for one in exceptions] == types
    assert {one.type: [sent["function"] for sent in one.raw_frames] for one in exceptions} == {
        "Root": ["entry", "crash"],
        "Outer": ["entry", "wrap"],
    }


@pytest.mark.parametrize("lib", ["web", "posthog-node", "posthog-ruby", "posthog-martian", "", None])
def test_other_sdks_are_left_alone(lib: str | None) -> None:
    exceptions = [exception("Outer", "a", "b"), exception("Root", "c", "d")]
    order.canonical(exceptions, lib, "1.0.0")
    assert shape(exceptions) == [("Outer", ["a", "b"]), ("Root", ["c", "d"])]
    assert order.legacy(exceptions, lib) is None


@given(
    st.sampled_from([*CRASH_FIRST, "posthog-python", "posthog-go", "web", None]),
    st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=4),
)
def test_correcting_twice_gives_the_original(lib: str | None, stacks: list[list[str]]) -> None:
    exceptions = [exception(str(index), *stack) for index, stack in enumerate(stacks)]
    original = shape(exceptions)
    order.canonical(exceptions, lib, "0.0.1")
    order.canonical(exceptions, lib, "0.0.1")
    assert shape(exceptions) == original


# --- the order before ---------------------------------------------------------------------------------------


def resolved(type_: str, *functions: str) -> ParsedException:
    return ParsedException(id=type_, type=type_, stack="raw", frames=[frame(name) for name in functions])


def test_the_legacy_order_of_python_is_the_list_reversed() -> None:
    exceptions = [resolved("Outer", "entry", "wrap"), resolved("Root", "entry", "crash")]
    before = order.legacy(exceptions, "posthog-python")
    assert before is not None
    assert [one.type for one in before] == ["Root", "Outer"]
    assert [one.type for one in exceptions] == ["Outer", "Root"]


def test_the_legacy_order_of_go_is_the_frames_reversed() -> None:
    exceptions = [resolved("Outer", "entry", "crash"), resolved("Root", "a", "b")]
    before = order.legacy(exceptions, "posthog-go")
    assert before is not None
    assert [(one.type, [f.raw_id for f in one.frames]) for one in before] == [
        ("Outer", ["crash", "entry"]),
        ("Root", ["b", "a"]),
    ]
    assert [f.raw_id for f in exceptions[0].frames] == ["entry", "crash"]


def test_the_parts_of_one_raw_frame_keep_their_order() -> None:
    stack = [frame("entry"), frame("crash", 0), frame("crash", 1)]
    before = order.legacy([ParsedException(id="1", type="E", stack="raw", frames=stack)], "posthog-rs")
    assert before is not None
    assert [(f.raw_id, f.part) for f in before[0].frames] == [("crash", 0), ("crash", 1), ("entry", 0)]


@pytest.mark.parametrize(
    ("lib", "exceptions"),
    [
        ("posthog-python", [resolved("Only", "a", "b")]),
        ("posthog-go", [resolved("Outer", "a"), resolved("Root", "b")]),
        ("posthog-go", []),
    ],
)
def test_there_is_none_where_it_would_be_the_same(lib: str, exceptions: list[ParsedException]) -> None:
    assert order.legacy(exceptions, lib) is None
