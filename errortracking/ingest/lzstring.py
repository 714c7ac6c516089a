"""LZ-string's base64 form, as old browser SDKs send it (`compression=lz64`).

The algorithm is LZ78 over UTF-16 code units with codes of growing width (lz-string 1.5, ``decompressFromBase64``).
Written here because the package of that name in the index of Python is an unmaintained source distribution, and because
it knows no limit: this one stops as soon as the output exceeds what the caller allows.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final

# Codes 0 and 1 announce a new character of 8 or 16 bits, 2 ends the text; entries of the dictionary follow.
_NEW_8, _NEW_16, _END, _FIRST_ENTRY = 0, 1, 2, 3

# Codes are written least significant bit first into characters that are filled from the most significant bit. With the
# bits of each byte reversed the whole becomes one little-endian number, from which any width is one mask and one shift.
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class _Bits:
    """A reader of groups of bits, least significant first. Past the end come zeros, and soon an error."""

    def __init__(self, text: bytes) -> None:
        self._size = 6 * len(text)
        self._data = a2b_base64(text + b"A" * (-len(text) % 4), strict_mode=True).translate(_REVERSED)
        self._position = 0
        self._held = 0
        self._count = 0

    def take(self, width: int) -> int:
        """Return the next ``width`` bits. Raises ``ValueError`` far past the end: the text was cut off."""
        if self._count < width:
            if self._position > len(self._data) + 64:
                raise ValueError("the text ends early")
            chunk = self._data[self._position : self._position + 64]
            self._held |= int.from_bytes(chunk, "little") << self._count
            self._position += 64
            self._count += 512
        value = self._held & ((1 << width) - 1)
        self._held >>= width
        self._count -= width
        return value

    def overdrawn(self) -> bool:
        """Return whether bits were taken that are not there."""
        return 8 * self._position - self._count > self._size


def decompress_from_base64(text: bytes, limit: int) -> bytes | None:
    """Return the UTF-8 bytes of the text that lz-string compressed to ``text``; lone surrogates become U+FFFD.

    Returns ``None`` when the text would exceed ``limit`` UTF-16 code units (UTF-8 is never shorter, so nothing that
    would fit is refused). Raises ``ValueError`` for what lz-string did not write or what was cut off.
    """
    try:
        # lz-string pads as base64 never would, with three `=` after a single sextet; so the padding goes first.
        bits = _Bits(text.rstrip(b"= \r\n"))
    except Base64Error as error:
        raise ValueError(f"not base64: {error}") from error
    units = _decompress(bits, limit)
    if units is None:
        return None
    if bits.overdrawn():
        raise ValueError("the text ends early")
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _decompress(bits: _Bits, limit: int) -> str | None:
    code = bits.take(2)
    if code == _END:
        return ""
    if code not in (_NEW_8, _NEW_16):
        raise ValueError("not the beginning of a compressed text")
    previous = chr(bits.take(8 if code == _NEW_8 else 16))
    # The three fixed codes hold places in the list, so that a code is an index.
    entries: list[str] = ["", "", "", previous]
    parts = [previous]
    length, width, room = 1, 3, 4
    while length <= limit:
        code = bits.take(width)
        if code == _END:
            return "".join(parts)
        if code < _FIRST_ENTRY:
            entries.append(chr(bits.take(8 if code == _NEW_8 else 16)))
            code = len(entries) - 1
            room -= 1
            if room == 0:
                room, width = 1 << width, width + 1
        if code < len(entries):
            entry = entries[code]
        elif code == len(entries):
            entry = previous + previous[0]
        else:
            raise ValueError("a code that was never given out")
        parts.append(entry)
        length += len(entry)
        entries.append(previous + entry[0])
        previous = entry
        room -= 1
        if room == 0:
            room, width = 1 << width, width + 1
    return None
