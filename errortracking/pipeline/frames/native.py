"""Frames of machine code (apple, native): addresses, and what the client could say about them itself.

**Identity, a rule of this project's own** (what PostHog's server hashes for these was not known): the pieces

    tag, image, offset, function, module, filename, lineno

in this order, each followed by a NUL, absent ones empty. ``image`` is the debug id of the image that holds
the instruction, ``offset`` the instruction's distance from the image's start in lowercase hex. Programs are
loaded at another address at every start, so an absolute address would make a new row of each frame at each
start; it stands for ``offset`` (``image`` empty) only where the image is unknown and the frame has no
function either. The NULs keep neighbours apart, which the other languages' identities do not.

No symbols are looked up here: a frame is resolved when its client named the function.
"""

from __future__ import annotations

from errortracking.pipeline.exceptions import Frame, RawFrame
from errortracking.pipeline.frames.base import Images, Kind, Platform, contents, junk, optional
from errortracking.pipeline.images import DebugImage

NO_IMAGE = "No matching debug image found for frame"


def address(value: object) -> int | None:
    """Return an address written in hex, with or without ``0x``; None if it is not one of 64 bits."""
    if not isinstance(value, str) or len(value) > 20:
        return None
    try:
        number = int(value, 16)
    except ValueError:
        return None
    return number if 0 <= number < 2**64 else None


def _image(raw: RawFrame, images: Images) -> DebugImage | None:
    """Return the image that the frame names, else the one whose range holds its instruction."""
    start, at = address(raw.get("image_addr")), address(raw.get("instruction_addr"))
    image = None if start is None else images.starting_at(start)
    return images.holding(at) if image is None and at is not None else image


def _offset(raw: RawFrame, image: DebugImage | None) -> str:
    at = address(raw.get("instruction_addr"))
    start = image.address if image else address(raw.get("image_addr"))
    if at is None or start is None or at < start:
        return "" if "function" in raw else raw.get("instruction_addr", "")
    return f"{at - start:x}"


def _identity(raw: RawFrame, images: Images) -> bytes:
    image = _image(raw, images)
    tag = "apple" if raw["platform"] == "apple" else "native"
    pieces = (
        tag,
        image.debug_id if image else "",
        _offset(raw, image),
        raw.get("function", ""),
        raw.get("module", ""),
        raw.get("filename", ""),
        str(raw.get("lineno", "")),
    )
    return "".join(f"{piece}\0" for piece in pieces).encode()


def _resolve(raw: RawFrame, id_: str, images: Images) -> list[Frame]:
    image = _image(raw, images)
    shown = contents(raw, id_, raw.get("lang", raw["platform"]), raw.get("function", ""))
    resolved = bool(raw.get("function"))
    if resolved:
        shown["resolved_name"] = raw["function"]
    else:
        shown.update({"resolved": False, "resolve_failure": _failure(raw, image), "junk_drawer": junk(raw)})
    if "filename" in raw:
        shown["source"] = raw["filename"]
    if "module" in raw:
        shown["module"] = raw["module"]
    if "lineno" in raw:
        shown["line"] = raw["lineno"]
    if "colno" in raw:
        shown["column"] = raw["colno"]
    return [Frame(id_, 0, shown, None, resolved, (image.debug_id,) if image else ())]


def _failure(raw: RawFrame, image: DebugImage | None) -> str:
    if image is None:
        return NO_IMAGE
    missing = "dSYM" if raw["platform"] == "apple" else "debug symbols"
    return f"No {missing} uploaded for debug_id: {image.debug_id}"


PLATFORM = Platform(
    tags=("apple", "native", "rust"),  # an early Rust SDK said rust
    fields=(
        optional("instruction_addr"),
        optional("image_addr"),
        optional("function"),
        optional("module"),
        optional("filename"),
        optional("lineno", Kind.NUMBER),
        optional("colno", Kind.NUMBER),
        optional("lang"),
    ),
    identity=_identity,
    resolve=_resolve,
)
