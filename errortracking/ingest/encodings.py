"""Decompressing and un-encoding a body, never beyond a limit.

Every function takes the encoded bytes and a limit in bytes, and returns the decoded bytes. It raises ``Refused``: 413
as soon as the output exceeds the limit (no more than a small piece beyond it is ever held, so a bomb costs what an
honest body costs), 400 for bytes that are not of that encoding or a stream that ends early.
"""

from __future__ import annotations

import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from typing import Final

import brotli
import zstandard

from errortracking.ingest import limits, lzstring
from errortracking.ingest.refusal import Refused, too_large, undecodable

GZIP_MAGIC: Final = b"\x1f\x8b\x08"  # two bytes of magic and the only compression method there is

_STEP: Final = 64 * 1024
# zstd's decompressor has no bound on what one call returns: a block of 4 bytes can announce 128 KiB. Small pieces of
# input keep what one call can return below 8 MiB; the window below bounds the memory it holds itself.
_ZSTD_STEP: Final = 256
_ZSTD_WINDOW: Final = 8 * limits.MEGABYTE  # what RFC 8878 recommends that decoders support, and encoders not exceed

# Of either alphabet, with the blanks that may stand in it.
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_ \r\n"
_PADDING: Final = 3  # LZ-string pads a single sextet so; base64 itself needs two at most
_URL_SAFE: Final = bytes.maketrans(b"-_ ", b"+/+")


def expand_gzip(data: bytes, limit: int) -> bytes:
    """Decompress gzip, of one or several members. What follows the last member is ignored, as gzip itself does."""
    whole = b""
    for _ in range(limits.MEMBERS):
        piece, data = _inflate(zlib.decompressobj(wbits=31), data, limit - len(whole), "gzip")
        whole = whole + piece if whole else piece
        if not data.startswith(GZIP_MAGIC):
            return whole
    raise undecodable(f"more than {limits.MEMBERS} gzip members")


def expand_deflate(data: bytes, limit: int) -> bytes:
    """Decompress ``deflate``: zlib's format as the standard says, or the bare stream that some clients send."""
    zlib_header = len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    stream = zlib.decompressobj(wbits=15 if zlib_header else -15)
    return _inflate(stream, data, limit, "deflate")[0]


def _inflate(stream: zlib._Decompress, data: bytes, limit: int, name: str) -> tuple[bytes, bytes]:
    """Return the output of one stream and the bytes behind it."""
    try:
        # One byte more than allowed tells an exact fit from an excess.
        out = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise undecodable(f"invalid {name} data") from error
    if len(out) > limit:
        raise too_large("the expanded body", limit)
    if not stream.eof:
        raise undecodable(f"the {name} data end early")
    return out, stream.unused_data


def expand_brotli(data: bytes, limit: int) -> bytes:
    """Decompress brotli."""
    stream = brotli.Decompressor()
    parts: list[bytes] = []
    total = 0
    piece = data
    try:
        while not stream.is_finished():
            out = stream.process(piece, output_buffer_limit=_STEP)
            if not out and not stream.is_finished() and stream.can_accept_more_data():
                raise undecodable("the br data end early")
            piece = b""
            parts.append(out)
            total += len(out)
            if total > limit:
                raise too_large("the expanded body", limit)
    except brotli.error as error:
        raise undecodable("invalid br data") from error
    return b"".join(parts)


def expand_zstd(data: bytes, limit: int) -> bytes:
    """Decompress zstd, of one or several frames."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    parts: list[bytes] = []
    total = 0
    position = 0
    try:
        for _ in range(limits.MEMBERS):
            stream = decompressor.decompressobj()
            while not stream.eof:
                piece = data[position : position + _ZSTD_STEP]
                if not piece:
                    raise undecodable("the zstd data end early")
                out = stream.decompress(piece)
                position += len(piece)
                parts.append(out)
                total += len(out)
                if total > limit:
                    raise too_large("the expanded body", limit)
            position -= len(stream.unused_data)
            if position == len(data):
                return b"".join(parts)
    except zstandard.ZstdError as error:
        raise undecodable("invalid zstd data") from error
    raise undecodable(f"more than {limits.MEMBERS} zstd frames")


def looks_like_base64(data: bytes) -> bool:
    """Return whether all of ``data`` could be base64, in either alphabet, with blanks or line breaks in it.

    Not by a pattern: blanks may stand in the text and behind it, and from a text that is nearly base64 one would go
    back blank by blank, each time to look at all that follow.
    """
    whole = data.rstrip()
    text = whole.rstrip(b"=")
    return bool(text) and len(whole) - len(text) <= _PADDING and not text.translate(None, _BASE64)


def decode_base64(data: bytes, limit: int) -> bytes:
    """Decode base64 of either alphabet, with or without padding; a blank is a ``+`` that a form has decoded."""
    text = data.strip().replace(b"\r", b"").replace(b"\n", b"").rstrip(b"=").translate(_URL_SAFE)
    if len(text) * 3 // 4 > limit:
        raise too_large("the expanded body", limit)
    try:
        return a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except Base64Error as error:
        raise undecodable("invalid base64") from error


def expand_lz_string(data: bytes, limit: int) -> bytes:
    """Decompress LZ-string's base64 form into UTF-8."""
    if len(data) > limits.LZ_STRING_BODY:
        raise too_large("an lz64 body", limits.LZ_STRING_BODY)
    try:
        text = lzstring.decompress_from_base64(data.strip().replace(b" ", b"+"), limit)
    except ValueError as error:
        raise undecodable("invalid lz64 data") from error
    if text is None or len(text) > limit:
        raise too_large("the expanded body", limit)
    return text


_BY_NAME: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": expand_gzip,
    "x-gzip": expand_gzip,
    "gzip-js": expand_gzip,
    "deflate": expand_deflate,
    "br": expand_brotli,
    "zstd": expand_zstd,
}
# Names that SDKs also use in `compression=`: hints about the text, handled where the text is known (`body`).
_HINTS: Final = {"", "identity", "base64", "b64", "lz64", "lz-string"}


def expand_content(data: bytes, header: str, limit: int) -> bytes:
    """Undo ``Content-Encoding``, the last named first. Raises ``Refused`` (400) for an unknown name too."""
    names = [name.strip().lower() for name in header.split(",")]
    if len(names) > limits.LAYERS:
        raise undecodable(f"more than {limits.LAYERS} content encodings")
    for name in reversed(names):
        if name in _HINTS:
            continue
        expand = _BY_NAME.get(name)
        if expand is None:
            raise unsupported(name)
        data = expand(data, limit)
    return data


def unsupported(name: str) -> Refused:
    """Return the refusal of a content encoding that is not known here."""
    return undecodable(f"unsupported content encoding {name[:40]!r}")
