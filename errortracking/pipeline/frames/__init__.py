"""Stack frames: one file per language, found by their ``platform`` tag.

A raw frame becomes one or more frames (``errortracking.pipeline.exceptions.Frame``) from what its SDK sent;
maps and symbols are the business of a later stage, which finds in ``Frame.symbol_refs`` what to look up.

A frame's ``raw_id`` is SHA-512 over pieces of what was sent, joined without a separator. Which pieces, in
which order, each language's ``identity`` says; they are those of PostHog's own server (apple and native
excepted, see ``native``), so that ids stored there mean the same frames here. An identity never changes: rows
would be orphaned.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from errortracking.pipeline.exceptions import Frame, ParsedEvent, RawFrame
from errortracking.pipeline.frames.base import Malformed, Platform, described, raw_id, shortened
from errortracking.pipeline.frames.base import read as _read
from errortracking.pipeline.images import NO_IMAGES, DebugImages


def _found() -> dict[str, Platform]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    platforms = [module.PLATFORM for module in modules if hasattr(module, "PLATFORM")]
    return {tag: platform for platform in platforms for tag in platform.tags}


PLATFORMS: Mapping[str, Platform] = _found()
_TAGS = ", ".join(f"`{tag}`" for tag in sorted(PLATFORMS))


def read(sent: object) -> RawFrame:
    """Return one raw frame, checked; raise ``Malformed`` for no object, an unknown tag or the wrong fields."""
    if not isinstance(sent, dict):
        raise Malformed(f"invalid type: {described(sent)}, expected a map")
    tag = sent.get("platform")
    if tag is None:
        raise Malformed("missing field `platform`")
    platform = PLATFORMS.get(tag) if isinstance(tag, str) else None
    if platform is None:
        raise Malformed(f"unknown variant {described(tag)}, expected one of {_TAGS}")
    return _read(platform, sent)


def identify(raw: RawFrame, images: DebugImages = NO_IMAGES) -> str:
    """Return the ``raw_id`` of a raw frame, hashed over the whole of what was sent."""
    return raw_id(PLATFORMS[raw["platform"]].identity(raw, images))


def resolve_frame(raw: RawFrame, images: DebugImages = NO_IMAGES, id_: str | None = None) -> list[Frame]:
    """Return the frames of one raw frame, outermost first where there are several. ``id_``: its id, if known."""
    id_ = identify(raw, images) if id_ is None else id_
    return PLATFORMS[raw["platform"]].resolve(shortened(raw), id_, images)


def resolve(event: ParsedEvent) -> None:
    """Fill ``frames`` of the event's exceptions from their ``raw_frames``, in order; frames that came resolved stay."""
    for exception in event.exceptions:
        if exception.stack == "raw":
            exception.frames = [
                frame for raw in exception.raw_frames for frame in resolve_frame(raw, event.debug_images)
            ]
