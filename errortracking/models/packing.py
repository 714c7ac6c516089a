"""zstd-compressed JSON in a bytea: how queue payloads and stored events are turned into bytes and back."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import zstandard


class _Local(threading.local):
    """zstandard's objects of one thread: they are not for two at once, and making one costs as much as a use."""

    def __init__(self) -> None:
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}
        self.decompressor = zstandard.ZstdDecompressor()


_local = _Local()


def pack(value: Any, level: int) -> bytes:
    """Return ``value`` as JSON, compressed at ``level``. Raises ``orjson.JSONEncodeError`` for no JSON value."""
    compressor = _local.compressors.get(level)
    if compressor is None:
        compressor = _local.compressors[level] = zstandard.ZstdCompressor(level=level)
    return compressor.compress(orjson.dumps(value))


def unpack(packed: bytes | memoryview, *, version: int, maximum: int, what: str) -> Any:
    """Return the object in ``packed`` (psycopg gives a ``memoryview`` for bytea), whose ``v`` is ``version``.

    Raises ``ValueError``, naming ``what`` it is not, for other bytes and for what expands beyond ``maximum`` bytes.
    """
    data = bytes(packed)
    try:
        if zstandard.frame_content_size(data) > maximum:
            raise ValueError(f"the {what} is larger than any that is written")
        value = orjson.loads(_local.decompressor.decompress(data))
    except zstandard.ZstdError as error:
        raise ValueError(f"not a {what}: {error}") from error
    if not isinstance(value, dict) or value.get("v") != version:
        raise ValueError(f"not a {what} of a known version")
    return value


def unpacked_size(packed: bytes | memoryview) -> int:
    """Return how many bytes of JSON ``packed`` expands to, without expanding it; 0 for what was not packed here."""
    try:
        return max(zstandard.frame_content_size(bytes(packed)), 0)
    except zstandard.ZstdError:
        return 0
