"""Frames of machine code: told apart by the place in their image, an identity of this project's own."""

from __future__ import annotations

import pytest

from errortracking.pipeline import frames
from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.frames import native
from errortracking.pipeline.images import DebugImage, DebugImages

COMMON = {"in_app": True, "resolved": True, "synthetic": False, "suspicious": False}
IMAGES = [DebugImage("img-1", 0x7F3A9C000000, 0x100000), DebugImage("img-2", 0x1000, None)]


def frame(platform: str, images: list[DebugImage] | None = None, **fields: object) -> Frame:
    (found,) = frames.resolve_frame(frames.read({"platform": platform, **fields}), DebugImages(images or ()))
    return found


def shown(one: Frame) -> dict[str, object]:
    return {key: value for key, value in one.contents.items() if key not in ("raw_id", "junk_drawer")}


def test_native_is_told_apart_by_its_place_in_the_image() -> None:
    one = frame(
        "native",
        IMAGES,
        instruction_addr="0x7f3a9c001b2d",
        image_addr="0x7f3a9c000000",
        function="f",
        module="m",
        filename="a.rs",
        lineno=7,
        lang="rust",
    )
    # native ‖ 00 ‖ img-1 ‖ 00 ‖ 1b2d ‖ 00 ‖ f ‖ 00 ‖ m ‖ 00 ‖ a.rs ‖ 00 ‖ 7 ‖ 00
    assert one.raw_id[:32] == "1b23a5d3f1dca6531860e9b8998dd2b8"
    assert shown(one) == {
        **COMMON,
        "lang": "rust",
        "mangled_name": "f",
        "resolved_name": "f",
        "module": "m",
        "source": "a.rs",
        "line": 7,
    }
    assert one.symbol_refs == ("img-1",)


def test_native_is_the_same_frame_at_another_load_address() -> None:
    moved = [DebugImage("img-1", 0x500000000000, 0x100000)]
    here = frame("native", IMAGES, instruction_addr="0x7f3a9c001b2d", image_addr="0x7f3a9c000000")
    there = frame("native", moved, instruction_addr="500000001b2d", image_addr="0x500000000000")
    assert here.raw_id == there.raw_id


def test_an_image_is_also_found_by_its_range() -> None:
    by_range = frame("native", IMAGES, instruction_addr="0x7f3a9c001b2d")
    assert by_range.symbol_refs == ("img-1",)
    assert frame("native", IMAGES, instruction_addr="0x7f3a9c000000").symbol_refs == ("img-1",)  # its first byte
    assert frame("native", IMAGES, instruction_addr="0x7f3a9c0fffff").symbol_refs == ("img-1",)  # its last
    assert frame("native", IMAGES, instruction_addr="0x7f3a9c100000").symbol_refs == ()  # just behind its end
    assert frame("native", IMAGES, instruction_addr="0x1000").symbol_refs == ()  # of a size that nobody knows


def test_the_image_that_the_frame_names_goes_before_one_whose_range_holds_the_instruction() -> None:
    overlapping = [DebugImage("range", 0x1000, 0x9000), DebugImage("named", 0x2000, None)]
    one = frame("native", overlapping, instruction_addr="0x2010", image_addr="0x2000")
    assert one.symbol_refs == ("named",)
    assert frame("native", overlapping, instruction_addr="0x2010").symbol_refs == ("range",)


def test_of_overlapping_images_the_one_that_starts_nearest_holds_the_instruction() -> None:
    images = [DebugImage("outer", 0x1000, 0x9000), DebugImage("inner", 0x2000, 0x100), DebugImage("other", 0x2000, 1)]
    assert frame("native", images, instruction_addr="0x20ff").symbol_refs == ("inner",)
    assert frame("native", images, instruction_addr="0x1fff").symbol_refs == ("outer",)


def test_an_image_of_no_size_holds_nothing_and_one_of_size_one_its_first_byte() -> None:
    images = [DebugImage("empty", 0x1000, 0), DebugImage("byte", 0x2000, 1)]
    assert frame("native", images, instruction_addr="0x1000").symbol_refs == ()
    assert frame("native", images, instruction_addr="0x2000").symbol_refs == ("byte",)
    assert frame("native", images, instruction_addr="0x2001").symbol_refs == ()
    assert frame("native", images, instruction_addr="0xfff").symbol_refs == ()


def test_looking_for_images_takes_no_longer_where_there_are_very_many() -> None:
    """A look through all of them for each frame would need hours here, and the test would be ended."""
    images = DebugImages(DebugImage(f"img-{at}", at * 0x1000, 0x10) for at in range(100_000))
    for at in range(100_000):
        (one,) = frames.resolve_frame(frames.read({"platform": "native", "instruction_addr": hex(at)}), images)
        assert one.symbol_refs == ((f"img-{at // 0x1000}",) if at % 0x1000 < 0x10 else ())


def test_rust_means_native_and_apple_does_not() -> None:
    fields = {"instruction_addr": "0x7f3a9c001b2d", "image_addr": "0x7f3a9c000000"}
    assert frame("rust", IMAGES, **fields).raw_id == frame("native", IMAGES, **fields).raw_id
    assert frame("apple", IMAGES, **fields).raw_id != frame("native", IMAGES, **fields).raw_id


def test_an_absolute_address_counts_only_where_there_is_nothing_else() -> None:
    # apple ‖ 00 ‖ ‖ 00 ‖ 0xdead ‖ 00 ‖ ‖ 00 ‖ ‖ 00 ‖ ‖ 00 ‖ ‖ 00
    assert frame("apple", instruction_addr="0xdead").raw_id[:32] == "0db9ed727f29f088db2d798f7d2651ca"
    named = frame("apple", instruction_addr="0xdead", function="f")
    assert named.raw_id == frame("apple", instruction_addr="0xbeef", function="f").raw_id


@pytest.mark.parametrize(
    ("platform", "address", "failure"),
    [
        ("apple", "0x7f3a9c000000", "No dSYM uploaded for debug_id: img-1"),
        ("native", "0x7f3a9c000000", "No debug symbols uploaded for debug_id: img-1"),
        ("native", "0x1", "No matching debug image found for frame"),
        ("native", "no address", "No matching debug image found for frame"),
    ],
)
def test_without_a_function_it_has_failed(platform: str, address: str, failure: str) -> None:
    one = frame(platform, IMAGES, instruction_addr="0x5", image_addr=address)
    assert (one.resolved, one.contents["resolved"], one.contents["resolve_failure"]) == (False, False, failure)
    assert "resolved_name" not in one.contents


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x10", 16),
        ("0x0", 0),
        ("ffffffffffffffff", 2**64 - 1),
        ("10", 16),
        (" 0XfF ", 255),
        ("-1", None),
        ("", None),
        ("0x1" + "0" * 16, None),
        ("f" * 5000, None),
        (16, None),
    ],
)
def test_addresses_are_hex_of_64_bits(text: object, number: int | None) -> None:
    assert native.address(text) == number
