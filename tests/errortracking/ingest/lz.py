"""The other direction of LZ-string, for tests: what ``LZString.compressToBase64`` (1.5.0) writes."""

from __future__ import annotations

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def compress_to_base64(text: str) -> bytes:
    """Return LZ-string's base64 form of ``text``."""
    writer = _Writer()
    data = text.encode("utf-16-le", "surrogatepass")
    known: dict[str, int] = {}
    word = ""
    for unit in (chr(int.from_bytes(data[at : at + 2], "little")) for at in range(0, len(data), 2)):
        if unit not in known:
            known[unit] = len(known) + 3
            writer.fresh.add(unit)
        if word + unit in known:
            word += unit
            continue
        writer.write(word, known)
        known[word + unit] = len(known) + 3
        word = unit
    if word:
        writer.write(word, known)
    return writer.finish()


def bomb_in_base64(size: int) -> bytes:
    """Return what expands to at least ``size`` times the same letter, each word longer by one than the one before."""
    writer = _Writer()
    writer.fresh.add("0")
    length, written = 0, 0
    while written < size:
        length += 1
        written += length
        word = "0" * length
        writer.write(word, {word: length + 2})
    return writer.finish()


class _Writer:
    def __init__(self) -> None:
        self.bits = ""
        self.fresh: set[str] = set()  # characters that were met but not written yet
        self.width, self.room = 2, 2

    def write(self, word: str, known: dict[str, int]) -> None:
        if word in self.fresh:
            self.fresh.remove(word)
            wide = ord(word) >= 256
            self._put(int(wide), self.width)
            self._put(ord(word), 16 if wide else 8)
            self._widen()
        else:
            self._put(known[word], self.width)
        self._widen()

    def _put(self, value: int, width: int) -> None:
        self.bits += f"{value:0{width}b}"[::-1]  # least significant bit first

    def _widen(self) -> None:
        self.room -= 1
        if self.room == 0:
            self.room, self.width = 1 << self.width, self.width + 1

    def finish(self) -> bytes:
        self._put(2, self.width)
        bits = self.bits + "0" * (6 - len(self.bits) % 6)
        text = "".join(ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))
        return (text + "=" * (-len(text) % 4)).encode()
