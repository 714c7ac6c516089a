"""The canonical order of an event: exceptions outermost first, root cause last; frames entry first, crash last.

Most SDKs send it so. Those that did not, or do not yet, stand in ``_SDKS`` with what is the wrong way round
and the first version that sends it right. The two sides of the table must never change for versions already
released: fingerprints are hashed over the order. ``legacy`` gives back the order as those versions sent it,
for the legacy fingerprints, under which issues were keyed before there was a canonical order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from errortracking.pipeline.exceptions import Frame, ParsedException

Fix = Literal["frames", "exceptions"]
Version = tuple[int, int, int]

# $lib → (what is reversed, first version that is canonical; None: not yet). posthog-python: the wheels 7.20.0
# to 7.79.0 were compared; 7.31.0 is the first that sends the outermost exception first.
_SDKS: dict[str, tuple[Fix, Version | None]] = {
    "posthog-android": ("frames", None),
    "posthog-flutter": ("frames", None),
    "posthog-elixir": ("frames", None),
    "posthog-java": ("frames", None),
    "posthog-server": ("frames", None),
    "posthog-php": ("frames", (4, 11, 0)),
    "posthog-go": ("frames", (1, 19, 0)),
    "posthog-rs": ("frames", (0, 19, 0)),
    "posthog-python": ("exceptions", (7, 31, 0)),
}

# One to three numbers; then nothing, a semver suffix, or one of Python's (7.31.0rc1). Nine digits keep int()
# harmless.
_VERSION = re.compile(
    r"[vV]*(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:[-+].*|(?:a|b|rc|\.dev|\.post)\d+.*)?", re.ASCII | re.DOTALL
)


def read_version(value: str | None) -> Version | None:
    """Return a version as three numbers, None if it is unreadable.

    A leading ``v`` is stripped, a pre-release dropped, and missing numbers are 0.
    """
    match = _VERSION.fullmatch(value.strip()) if value else None
    if match is None:
        return None
    major, minor, patch = match.groups(default="0")
    return int(major), int(minor), int(patch)


def needed_fix(lib: str | None, lib_version: str | None) -> Fix | None:
    """Return what an event of this SDK has the wrong way round, if anything. An unreadable version counts as old."""
    fix, canonical_since = _SDKS.get(lib or "", (None, None))
    if canonical_since is None:
        return fix
    version = read_version(lib_version)
    return fix if version is None or version < canonical_since else None


def canonical(exceptions: list[ParsedException], lib: str | None, lib_version: str | None) -> None:
    """Bring freshly parsed ``exceptions`` into canonical order, in place."""
    fix = needed_fix(lib, lib_version)
    if fix == "exceptions":
        exceptions.reverse()
    elif fix == "frames":
        for exception in exceptions:
            exception.raw_frames.reverse()
            exception.frames.reverse()


def legacy(exceptions: Sequence[ParsedException], lib: str | None) -> list[ParsedException] | None:
    """Return resolved ``exceptions`` as ``lib`` used to send them; None if that is no different or ``lib`` never did.

    This holds for every version: once the SDK sends the canonical order, its old issues still have to be
    found. The parts of one raw frame stay in their order, as they were when the raw frames stood the other
    way round.
    """
    fix, _ = _SDKS.get(lib or "", (None, None))
    if fix == "exceptions" and len(exceptions) > 1:
        return list(reversed(exceptions))
    if fix == "frames" and any(len(exception.frames) > 1 for exception in exceptions):
        return [replace(exception, frames=_reversed_groups(exception.frames)) for exception in exceptions]
    return None


def _reversed_groups(frames: Sequence[Frame]) -> list[Frame]:
    groups: list[list[Frame]] = []
    for frame in frames:
        if frame.part == 0 or not groups:
            groups.append([])
        groups[-1].append(frame)
    return [frame for group in reversed(groups) for frame in group]
