"""The file that clients upload and that is kept: symbol data of one kind behind a short head (pipeline 2.6).

=========  ======================================================================
bytes      what
=========  ======================================================================
22         ``posthog_error_tracking``
4          version, little-endian: 1, or 2, which may be compressed
4          type: 2 script and source map, 3 Hermes map, 4 ProGuard mapping
1          only in version 2: 0 not compressed, 1 zstd
the rest   type 2: length (8 bytes, little-endian) and script, length and map;
           types 3 and 4: the map
=========  ======================================================================

Types 5 and 6, debug files of Apple's and other native programs, are stored when uploaded, but not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from errortracking.symbols.lookups import Kind

MAGIC = b"posthog_error_tracking"
# What may come out of a compressed container. The largest upload is 100 MB, of which maps take up a tenth to a fifth;
# beyond this the parsing process would run out of memory anyway, only later.
MOST_BYTES = 768 * 1024 * 1024
_STORED, _ZSTD = 0, 1
# Fed to the decompressor at a time. Of zstd, a few bytes can become 128 KiB: so one step makes 200 MB at the worst.
_STEP = 4096
_PIECE = 512 * 1024
_TYPES = {2: Kind.JAVASCRIPT, 3: Kind.HERMES, 4: Kind.PROGUARD}
_NUMBERS = {kind: number for number, kind in _TYPES.items()}
_HEAD = struct.Struct(f"<{len(MAGIC)}sII")
_LENGTH = struct.Struct("<Q")


class Broken(Exception):
    """The file is no container, or not a whole one. Its text says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a container holds: for JavaScript ``data`` is the map and ``source`` the minified script."""

    kind: Kind
    data: bytes
    source: bytes = b""


def read(path: Path) -> Contents:
    """Read a container of either version. Raises `Broken`, and MemoryError where the process may not be that large."""
    container = path.read_bytes()
    if len(container) < _HEAD.size:
        raise Broken(f"too short: {len(container)} bytes")
    magic, version, number = _HEAD.unpack_from(container)
    if magic != MAGIC:
        raise Broken("not a symbol set: it begins with other bytes")
    kind = _TYPES.get(number)
    if kind is None:
        raise Broken(f"data of type {number} cannot be read")
    payload = _payload(memoryview(container)[_HEAD.size :], version)
    return _script_and_map(payload) if kind is Kind.JAVASCRIPT else Contents(kind, bytes(payload))


def kind_of(path: Path) -> Kind | None:
    """Return the kind of data that a container says it holds; None where it is none that can be read."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, _, number = _HEAD.unpack(head)
    return _TYPES.get(number) if magic == MAGIC else None


def write(contents: Contents) -> Iterator[bytes]:
    """Give the bytes of a compressed container, in pieces that a storage can take one by one."""
    compressor = zstandard.ZstdCompressor(level=3).compressobj()
    yield _HEAD.pack(MAGIC, 2, _NUMBERS[contents.kind]) + bytes([_ZSTD])
    for part in _parts(contents):
        for start in range(0, len(part), _PIECE):
            if piece := compressor.compress(part[start : start + _PIECE]):
                yield piece
    yield compressor.flush()


def _parts(contents: Contents) -> Iterator[bytes]:
    if contents.kind is Kind.JAVASCRIPT:
        yield _LENGTH.pack(len(contents.source))
        yield contents.source
        yield _LENGTH.pack(len(contents.data))
    yield contents.data


def _payload(rest: memoryview, version: int) -> memoryview:
    if version == 1:
        return rest
    if version != 2:
        raise Broken(f"version {version} is not known")
    if not rest:
        raise Broken("too short: it ends within its head")
    compression, rest = rest[0], rest[1:]
    if compression == _STORED:
        return rest
    if compression != _ZSTD:
        raise Broken(f"compression {compression} is not known")
    return memoryview(_decompressed(rest))


def _decompressed(compressed: memoryview) -> bytearray:
    """Return what all frames hold, one after the other, as the format allows several."""
    result = bytearray()
    step = zstandard.ZstdDecompressor().decompressobj()
    pending = b""
    is_within_frame = True  # also an empty payload is a frame
    for start in range(0, len(compressed), _STEP):
        pending = bytes(compressed[start : start + _STEP])
        while pending:
            if not is_within_frame:
                step, is_within_frame = zstandard.ZstdDecompressor().decompressobj(), True
            try:
                result += step.decompress(pending)
            except zstandard.ZstdError as error:
                raise Broken(f"cannot be decompressed: {error}") from None
            if len(result) > MOST_BYTES:
                raise Broken(f"larger than {MOST_BYTES} bytes when decompressed")
            is_within_frame = not step.eof
            pending = step.unused_data if step.eof else b""
    if is_within_frame:
        raise Broken("cut off: the compressed data ends too early")
    return result


def _script_and_map(payload: memoryview) -> Contents:
    source, rest = _part(payload)
    data, rest = _part(rest)
    if rest:
        raise Broken(f"too long: {len(rest)} bytes follow the map")
    return Contents(Kind.JAVASCRIPT, bytes(data), bytes(source))


def _part(payload: memoryview) -> tuple[memoryview, memoryview]:
    if len(payload) < _LENGTH.size:
        raise Broken("cut off: a length is missing")
    (length,) = _LENGTH.unpack_from(payload)
    rest = payload[_LENGTH.size :]
    if length > len(rest):
        raise Broken(f"cut off: {length} bytes should follow, there are {len(rest)}")
    return rest[:length], rest[length:]
