"""Mappings of ProGuard and R8: what classes and methods were called before they were shortened."""

from __future__ import annotations

import io
import tempfile

from symbolic.exceptions import SymbolicError
from symbolic.proguard import ProguardMapper

from errortracking.symbols.container import Contents
from errortracking.symbols.failures import Failure
from errortracking.symbols.formats import base
from errortracking.symbols.lookups import Answer, Original, Position

_LARGEST_LINE = 2**31 - 1


class Mapping:
    """A program's mapping."""

    def __init__(self, mapper: ProguardMapper) -> None:
        self._mapper = mapper

    def find(self, position: Position, ref: str) -> Answer:
        """Return the places, outermost first: the mapping lists what was inlined before what it was inlined into."""
        line = position.line if 0 <= position.line <= _LARGEST_LINE else 0
        frames = self._mapper.remap_frame(position.module, position.function, line)
        if not frames:
            return Failure("Proguard", "NoOriginalFrames")
        return tuple(
            Original(
                source=base.name(frame.file),
                line=frame.line or None,
                name=base.name(frame.method),
                module=base.name(frame.class_name),
            )
            for frame in reversed(frames)
        )


def parse(contents: Contents) -> Mapping:
    """Raises `base.Invalid`: the library takes any text for a mapping, of nothing."""
    if not any(map(_is_class, io.BytesIO(contents.data))):
        raise base.Invalid(Failure("Proguard", "InvalidMapping", ("it names no class",)))
    try:
        with tempfile.TemporaryFile() as file:  # without a name: nothing is left where this process is killed
            file.write(contents.data)
            file.flush()
            return Mapping(ProguardMapper.open(f"/dev/fd/{file.fileno()}"))  # maps it into memory
    except SymbolicError as error:
        raise base.Invalid(Failure("Proguard", "InvalidMapping", (str(error)[:200],))) from None


def _is_class(line: bytes) -> bool:
    """Say whether a line gives a class its name. Without a regular expression: there are lines made to take hours."""
    return line[:1] not in b" \t#" and b" -> " in line and line.partition(b"#")[0].rstrip().endswith(b":")
