"""The binaries that were loaded when an event happened, found by address in no longer time for many than for few.

An event of some megabytes can name a hundred thousand images and hold tens of thousands of frames: looking through all
images for each frame would keep a worker busy for a quarter of an hour.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DebugImage:
    """A loaded binary, from ``$debug_images``: which file stood where in memory (addresses and size in bytes)."""

    debug_id: str
    address: int
    size: int | None = None


class DebugImages:
    """The images of one event. Of several that start at the same address the first counts."""

    __slots__ = ("_by_start", "_images", "_sized", "_starts")

    def __init__(self, images: Iterable[DebugImage] = ()) -> None:
        self._images = tuple(images)
        self._by_start: dict[int, DebugImage] = {}
        self._sized: dict[int, DebugImage] = {}
        for image in self._images:
            self._by_start.setdefault(image.address, image)
            if image.size is not None:
                self._sized.setdefault(image.address, image)
        self._starts = sorted(self._sized)

    def __iter__(self) -> Iterator[DebugImage]:
        return iter(self._images)

    def starting_at(self, address: int) -> DebugImage | None:
        """Return the image that was loaded at ``address``."""
        return self._by_start.get(address)

    def holding(self, address: int) -> DebugImage | None:
        """Return the image in whose range ``address`` lies: the one that starts nearest before it, if it reaches."""
        place = bisect_right(self._starts, address)
        if place == 0:
            return None
        image = self._sized[self._starts[place - 1]]
        return image if address < image.address + (image.size or 0) else None


NO_IMAGES = DebugImages()
