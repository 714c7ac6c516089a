"""Version 1: the frames of the application itself, as they stand. Frozen; see ``hashing``."""

from __future__ import annotations

from collections.abc import Sequence

from errortracking.pipeline.exceptions import Frame
from errortracking.pipeline.fingerprint.hashing import Rules


def _choose(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Choose in-app frames, only the resolved ones as soon as *any* frame is resolved; without in-app frames the first.

    «Any» is meant: a resolved frame that is not in-app suffices to leave out unresolved ones that are.
    """
    in_app = [frame for frame in frames if frame.contents["in_app"]]
    if not in_app:
        return frames[:1]
    if any(frame.contents["resolved"] for frame in frames):
        return [frame for frame in in_app if frame.contents["resolved"]]
    return in_app


def _as_is(text: str) -> str:
    return text


RULES = Rules(choose=_choose, source=_as_is, module=_as_is, message=_as_is, positions=True)
