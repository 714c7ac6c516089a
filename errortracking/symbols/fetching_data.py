"""Source maps inside of their script, as data URLs (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

_CHARSETS = {"charset=utf-8", "charset=utf8"}


def read(url: str) -> bytes:
    """Return what the data URL holds. Raises ``ValueError`` with the reason, for one that holds no JSON in UTF-8."""
    header, comma, data = url.removeprefix("data:").partition(",")
    if not comma:
        raise ValueError("there is no comma between header and data")
    kind, *parameters = (part.strip().lower() for part in header.split(";"))
    if not kind.startswith("application/json"):
        raise ValueError("its type is not application/json")
    encoded = parameters[-1:] == ["base64"]
    if any(parameter not in _CHARSETS for parameter in parameters[: -1 if encoded else None]):
        raise ValueError("only UTF-8 is read, as text or in base64")
    content = unquote_to_bytes(data)
    if encoded:
        try:
            content = base64.b64decode(content + b"=" * (-len(content) % 4), validate=True)
        except binascii.Error:
            raise ValueError("its base64 is broken") from None
    return content
