"""What of a changed value is kept: no secret, and no more than a person reads. Pure functions over plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

MAX_TEXT: Final = 4_000
"""Characters of one value, as text or as JSON. Names, versions and rules are far shorter; a release's metadata may be a
megabyte, and would be stored twice for each change."""

HIDDEN: Final = "(hidden)"

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|api_?key|credential|authorization|cookie|private_?key", re.IGNORECASE
)
# Our own keys, and what stands between `//` and `@` in an address.
_SECRET_TEXT: Final = re.compile(r"\bph[a-z]_[A-Za-z0-9]{8,}|(?<=//)[^/\s@]+(?=@)")


def storable(name: str, value: Any) -> Any:
    """Return the value of the field ``name`` as JSON that may be kept: secrets hidden, cut where it is too long."""
    shown = _without_secrets(name, value)
    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
    return shown if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"


def _without_secrets(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _without_secrets(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(name, item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return _SECRET_TEXT.sub(HIDDEN, str(value))
